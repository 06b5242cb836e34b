// Two domains have only each other's numbers and a name. They find each other through xenstore,
// share a page, and transfer bytes through it. The code uses only the concepts.
#include <gtest/gtest.h>

#include "fata/async/scope.hpp"
#include "fata/sig/archetype.hpp"
#include "fata/sim/domains.hpp"
#include "fata/sim/platform.hpp"

namespace fata::sim {
namespace {

constexpr std::size_t kBytes = 100'000;
constexpr std::size_t kRing = 1000;  // not a power of two, so that the bytes wrap anywhere
constexpr std::size_t kData = 64;

std::byte byte_at(std::size_t i) { return static_cast<std::byte>(i * 7 + i / 251); }

// A ring in a shared page: bytes written, bytes read, an end flag.
class Ring {
 public:
  enum Word : std::size_t { kWritten, kRead, kOver };
  explicit Ring(MutableBytes page) : page_(page) {}
  std::uint32_t load(Word word) const { return __atomic_load_n(at(word), __ATOMIC_ACQUIRE); }
  void store(Word word, std::uint32_t value) {
    __atomic_store_n(at(word), value, __ATOMIC_RELEASE);
  }
  std::byte& byte(std::uint32_t index) { return page_[kData + index % kRing]; }

 private:
  std::uint32_t* at(Word word) const {
    return reinterpret_cast<std::uint32_t*>(page_.subspan(4 * word).data());
  }
  MutableBytes page_;
};

struct Outcome {
  std::size_t bytes = 0;
  std::optional<Error> error;
};

// Offers the page, publishes its location, writes all bytes in slices, and ends.
template <sig::GrantTable Grants, sig::EventChannels Events, sig::Xenstore Store>
async::Task<Result<void>> send(Grants* grants, Events* events, Store* store, sig::DomainId to,
                               std::size_t slice, Outcome* out) {
  auto offer = grants->offer(to, 1, sig::GrantAccess::kWrite);
  if (!offer) co_return fail(offer.error());
  auto channel = events->open(to);
  if (!channel) co_return fail(channel.error());
  const Result<std::string> self = co_await store->read("domid", sig::kNoTransaction, {});
  if (!self) co_return fail(self.error());
  // First set the right to read, which nodes written below inherit.
  (void)co_await store->write("data/pipe", "", sig::kNoTransaction, {});
  const auto me = static_cast<sig::DomainId>(std::stoi(*self));
  for (const char* node : {"data", "data/pipe"}) {
    std::vector<sig::StorePermission> rights{{me, sig::StoreAccess::kNone},
                                             {to, sig::StoreAccess::kRead}};
    if (const Result<void> done = co_await store->permit(node, rights, {}); !done) co_return done;
  }
  for (;;) {
    const Result<sig::StoreTransaction> in = co_await store->begin({});
    if (!in) co_return fail(in.error());
    (void)co_await store->write("data/pipe/ring", std::to_string(offer->references()[0]), *in, {});
    (void)co_await store->write("data/pipe/port", std::to_string((*channel)->port()), *in, {});
    const Result<void> ended = co_await store->end(*in, true, {});
    if (ended) break;
    if (ended.error() != Error(sig::DomainErrc::kAgain)) co_return ended;
  }
  Ring ring(offer->memory());
  while (out->bytes < kBytes) {
    const std::uint32_t room = kRing - (ring.load(Ring::kWritten) - ring.load(Ring::kRead));
    const std::size_t count =
        std::min({std::size_t{room}, 1 + out->bytes * 31 % slice, kBytes - out->bytes});
    if (count == 0) {
      if (const Result<void> heard = co_await (*channel)->wait({}); !heard) co_return heard;
      continue;
    }
    const std::uint32_t at = ring.load(Ring::kWritten);
    for (std::size_t i = 0; i < count; ++i)
      ring.byte(at + static_cast<std::uint32_t>(i)) = byte_at(out->bytes++);
    ring.store(Ring::kWritten, at + static_cast<std::uint32_t>(count));
    (*channel)->notify();
    if (out->bytes % 3 == 0) co_await async::sleep(microseconds(1));
  }
  ring.store(Ring::kOver, 1);
  (*channel)->notify();
  // The other side unmaps the page before its end of the channel is closed.
  while (!offer->take_back()) {
    if (const Result<void> heard = co_await (*channel)->wait({}); !heard) co_return heard;
  }
  co_return co_await store->remove("data/pipe", sig::kNoTransaction, {});
}

// Waits for the name, maps the page, and reads until the end or until the other side is gone.
template <sig::GrantTable Grants, sig::EventChannels Events, sig::Xenstore Store>
async::Task<Result<void>> receive(Grants* grants, Events* events, Store* store, sig::DomainId from,
                                  std::size_t slice, Outcome* out) {
  const std::string home = "/local/domain/" + std::to_string(from) + "/data/pipe";
  auto watch = store->watch(home);
  if (!watch) co_return fail(watch.error());
  Result<std::string> port = co_await store->read(home + "/port", sig::kNoTransaction, {});
  while (!port) {
    if (const Result<void> changed = co_await (*watch)->next({}); !changed) co_return changed;
    port = co_await store->read(home + "/port", sig::kNoTransaction, {});
  }
  const Result<std::string> reference =
      co_await store->read(home + "/ring", sig::kNoTransaction, {});
  if (!reference) co_return fail(reference.error());
  const auto references = std::to_array({static_cast<sig::GrantReference>(std::stoul(*reference))});
  auto mapping = grants->map(from, references, sig::GrantAccess::kWrite);
  if (!mapping) co_return fail(mapping.error());
  auto channel = events->connect(from, static_cast<sig::EventPort>(std::stoul(*port)));
  if (!channel) co_return fail(channel.error());
  Ring ring(mapping->memory());
  for (;;) {
    const std::uint32_t at = ring.load(Ring::kRead);
    const std::size_t there = ring.load(Ring::kWritten) - at;
    const std::size_t count = std::min(there, 1 + out->bytes * 17 % slice);
    for (std::size_t i = 0; i < count; ++i) {
      if (ring.byte(at + static_cast<std::uint32_t>(i)) != byte_at(out->bytes++))
        co_return fail(Error(sig::DomainErrc::kBroken));
    }
    ring.store(Ring::kRead, at + static_cast<std::uint32_t>(count));
    if (count != 0) {
      (*channel)->notify();
      continue;
    }
    if (ring.load(Ring::kOver) != 0) break;
    const Result<void> heard = co_await (*channel)->wait(async::Wait::at_most(milliseconds(10)));
    if (!heard && !(*channel)->connected()) co_return fail(Error(sig::DomainErrc::kGone));
  }
  *mapping = {};
  (*channel)->notify();
  co_return Result<void>{};
}

// Checks that the functions require only what the concepts promise.
namespace archetype = sig::archetype;
template async::Task<Result<void>> send(archetype::GrantTable*, archetype::EventChannels*,
                                        archetype::Xenstore*, sig::DomainId, std::size_t, Outcome*);
template async::Task<Result<void>> receive(archetype::GrantTable*, archetype::EventChannels*,
                                           archetype::Xenstore*, sig::DomainId, std::size_t,
                                           Outcome*);

async::Task<void> note(async::Task<Result<void>> task, Outcome* out) {
  const Result<void> ended = co_await std::move(task);
  if (!ended) out->error = ended.error();
}

struct Pair {
  Domains host;
  Domain& tools = host.add();
  Domain& a = host.add();
  Domain& b = host.add();
  Outcome sent, received;
};

async::Task<int> move_bytes(Pair* pair, std::size_t slice, std::size_t other_slice) {
  async::Scope scope;
  scope.spawn(note(receive(&pair->b.grants(), &pair->b.events(), &pair->b.store(), pair->a.id(),
                           other_slice, &pair->received),
                   &pair->received));
  co_await async::sleep(milliseconds(5));  // the waiting side is there first
  scope.spawn(note(send(&pair->a.grants(), &pair->a.events(), &pair->a.store(), pair->b.id(), slice,
                        &pair->sent),
                   &pair->sent));
  co_await scope.join();
  co_return 0;
}

TEST(Domains, FindEachOtherShareAPageAndMoveBytesThroughIt) {
  for (const std::size_t slice : {1, 7, 100, 999, 5000}) {
    for (const std::size_t other : {1, 333, 4000}) {
      Platform platform(slice * other);
      Pair pair;
      platform.run([&] { return move_bytes(&pair, slice, other); });
      EXPECT_FALSE(pair.sent.error) << slice << " " << other;
      EXPECT_FALSE(pair.received.error) << slice << " " << other;
      EXPECT_EQ(pair.sent.bytes, kBytes);
      EXPECT_EQ(pair.received.bytes, kBytes);
      for (Domain* domain : {&pair.a, &pair.b}) {
        EXPECT_EQ(domain->grants().offered(), 0U);
        EXPECT_EQ(domain->grants().mapped(), 0U);
        EXPECT_EQ(domain->events().open_channels(), 0U);
      }
    }
  }
}

async::Task<int> kill_one(Pair* pair, bool sender) {
  async::Scope scope;
  Domain& victim = sender ? pair->a : pair->b;
  scope.spawn(note(receive(&pair->b.grants(), &pair->b.events(), &pair->b.store(), pair->a.id(), 10,
                           &pair->received),
                   &pair->received));
  scope.spawn(note(
      send(&pair->a.grants(), &pair->a.events(), &pair->a.store(), pair->b.id(), 10, &pair->sent),
      &pair->sent));
  while (pair->received.bytes < kBytes / 2) co_await async::sleep(microseconds(1));
  victim.die();
  // The receiver checks for the other end. The sender would wait for it forever, if xenstore did
  // not report the death.
  auto home = pair->tools.store().watch("/local/domain/" + std::to_string(victim.id()));
  (void)co_await (*home)->next();
  const Result<std::string> there =
      co_await pair->tools.store().read("/local/domain/" + std::to_string(victim.id()));
  EXPECT_TRUE(!there && there.error() == Error(sig::DomainErrc::kNotFound));
  if (!sender) {
    co_await async::sleep(milliseconds(100));
    EXPECT_FALSE(pair->sent.error) << "nobody tells it";
    pair->a.die();
  }
  co_await scope.join();
  co_return 0;
}

TEST(Domains, SeeThatTheOtherSideDied) {
  for (const bool sender : {true, false}) {
    Platform platform;
    Pair pair;
    platform.run([&] { return kill_one(&pair, sender); });
    EXPECT_EQ(pair.received.error, Error(sig::DomainErrc::kGone));
    EXPECT_EQ(pair.sent.error, Error(sig::DomainErrc::kGone)) << "its own death ends its waits";
    EXPECT_LT(pair.received.bytes, kBytes);
    EXPECT_EQ(pair.b.grants().mapped(), 0U);
  }
}

// A side that only waits detects the other's death with a watch on the other's home.
async::Task<int> watch_death(Pair* pair) {
  auto watch = pair->b.store().watch("/local/domain/1/domid");
  (void)co_await (*watch)->next();
  (void)co_await pair->tools.store().permit(
      "/local/domain/1/domid", {{0, sig::StoreAccess::kNone}, {2, sig::StoreAccess::kRead}});
  EXPECT_FALSE(co_await (*watch)->next(async::Wait::at_most(milliseconds(1))))
      << "rights are not heard of";
  const Result<std::string> before = co_await pair->b.store().read("/local/domain/1/domid");
  EXPECT_TRUE(before && *before == "1");
  pair->a.die();
  const Result<void> heard = co_await (*watch)->next(async::Wait::at_most(milliseconds(1)));
  EXPECT_TRUE(heard);
  const Result<std::string> after = co_await pair->b.store().read("/local/domain/1/domid");
  EXPECT_FALSE(after);
  co_return 0;
}
TEST(Domains, HearOfADeathByAWatch) {
  Platform platform;
  Pair pair;
  platform.run([&] { return watch_death(&pair); });
}

}  // namespace
}  // namespace fata::sim
