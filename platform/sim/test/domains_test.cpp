#include "fata/sim/domains.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "fata/async/scope.hpp"
#include "fata/sim/platform.hpp"

namespace fata::sim {
namespace {

using sig::DomainErrc;
using enum sig::StoreAccess;

struct Host {
  Domains host;
  Domain& tools = host.add();
  Domain& a = host.add();
  Domain& b = host.add();
};
template <class T>
bool failed(const Result<T>& result, DomainErrc code) {
  return !result && result.error() == Error(code);
}

async::Task<int> rights(Host* h) {
  Xenstore& mine = h->a.store();
  Xenstore& other = h->b.store();
  const std::string data = "/local/domain/1/data";
  EXPECT_EQ((co_await mine.read("domid")).value_or(""), "1");
  EXPECT_TRUE(co_await mine.write("data/x/y", "v"));
  EXPECT_EQ((co_await mine.read(data + "/x/y")).value_or(""), "v");
  EXPECT_TRUE(failed(co_await mine.write("/tool/x", "v"), DomainErrc::kDenied));
  EXPECT_TRUE(failed(co_await mine.write("domid", "7"), DomainErrc::kDenied));
  EXPECT_TRUE(failed(co_await mine.read("data/none"), DomainErrc::kNotFound));
  EXPECT_TRUE(failed(co_await other.read(data + "/x/y"), DomainErrc::kDenied));
  EXPECT_TRUE(failed(co_await other.permit(data + "/x/y", {{2, kBoth}}), DomainErrc::kDenied));
  EXPECT_TRUE(co_await mine.permit("data/x/y", {{1, kNone}, {2, kRead}}));
  EXPECT_EQ((co_await other.read(data + "/x/y")).value_or(""), "v");
  EXPECT_TRUE(failed(co_await other.write(data + "/x/y", "w"), DomainErrc::kDenied));
  EXPECT_TRUE(co_await mine.permit("data/x/y", {{1, kNone}, {2, kBoth}}));
  EXPECT_TRUE(co_await other.write(data + "/x/y", "w"));
  EXPECT_TRUE(co_await other.write(data + "/x/y/z", "deep"));
  EXPECT_TRUE(failed(co_await mine.read("data/x/y/z"), DomainErrc::kDenied))
      << "who makes a node owns it";
  EXPECT_TRUE(co_await h->tools.store().read(data + "/x/y/z")) << "domain 0 may do everything";
  EXPECT_TRUE(co_await mine.write("data/x-y", "beside"));
  EXPECT_TRUE(co_await mine.remove("data/x"));
  EXPECT_TRUE(co_await mine.remove("data/x")) << "there is none, as was wished";
  EXPECT_TRUE(failed(co_await mine.remove("data/x/y/z"), DomainErrc::kNotFound));
  EXPECT_EQ((co_await mine.list("data")).value_or(std::vector<std::string>{}),
            std::vector<std::string>{"x-y"});
  EXPECT_TRUE(
      failed(co_await mine.write("data/big", std::string(2049, 'x')), DomainErrc::kTooLong));
  EXPECT_TRUE(failed(co_await mine.read(std::string(2049, 'x')), DomainErrc::kTooLong));
  EXPECT_TRUE(failed(co_await mine.read("data//x"), DomainErrc::kRefused));
  co_return 0;
}
TEST(SimXenstore, KnowsWhoMayDoWhat) {
  Platform platform;
  Host host;
  platform.run([&] { return rights(&host); });
}

async::Task<int> quotas(Host* h) {
  Xenstore& mine = h->a.store();
  std::size_t made = 0;
  while (co_await mine.write("data/n" + std::to_string(made), "")) ++made;
  EXPECT_EQ(made, StoreTree::kMaxNodes - 1) << "with data itself";
  EXPECT_TRUE(failed(co_await mine.write("data/more", ""), DomainErrc::kExhausted));
  EXPECT_TRUE(co_await mine.write("data/n0", "the node is there already"));
  std::vector<std::unique_ptr<Xenstore::Watch>> watches;
  for (auto watch = mine.watch("data"); watch; watch = mine.watch("data"))
    watches.push_back(std::move(*watch));
  EXPECT_EQ(watches.size(), Xenstore::kMaxWatches);
  std::size_t open = 0;
  while (co_await mine.begin()) ++open;
  EXPECT_EQ(open, Xenstore::kMaxTransactions);
  co_return 0;
}
TEST(SimXenstore, HasBounds) {
  Platform platform;
  Host host;
  platform.run([&] { return quotas(&host); });
}

// Increments a counter `times` times, and repeats each transaction until no other one interferes.
async::Task<void> count_up(Xenstore* store, std::string path, int times, int* again) {
  for (int i = 0; i < times;) {
    const auto in = co_await store->begin();
    const auto value = co_await store->read(path, *in);
    (void)co_await store->write(path, std::to_string(std::stoi(*value) + 1), *in);
    const Result<void> ended = co_await store->end(*in, true);
    if (ended) {
      ++i;
    } else {
      EXPECT_TRUE(failed(ended, DomainErrc::kAgain));
      ++*again;
    }
  }
}
async::Task<int> transactions(Host* h) {
  Xenstore& mine = h->a.store();
  const std::string path = "/local/domain/1/data/count";
  (void)co_await mine.write(path, "0");
  (void)co_await mine.permit(path, {{1, kNone}, {2, kBoth}});
  int again = 0;
  async::Scope scope;
  scope.spawn(count_up(&mine, path, 50, &again));
  co_await async::sleep(microseconds(17));
  scope.spawn(count_up(&h->b.store(), path, 50, &again));
  co_await scope.join();
  EXPECT_EQ((co_await mine.read(path)).value_or(""), "100");
  EXPECT_GT(again, 0);
  // The transaction sees one state, and nothing is visible outside until its end.
  const auto in = co_await mine.begin();
  EXPECT_TRUE(co_await mine.write("data/new/a", "1", *in));
  EXPECT_TRUE(co_await mine.write("data/new/b", "2", *in));
  EXPECT_TRUE(co_await mine.remove("data/count", *in));
  EXPECT_TRUE(failed(co_await mine.read("data/count", *in), DomainErrc::kNotFound));
  EXPECT_TRUE(co_await mine.read("data/count"));
  EXPECT_TRUE(failed(co_await mine.read("data/new/a"), DomainErrc::kNotFound));
  EXPECT_TRUE(co_await mine.end(*in, true));
  EXPECT_TRUE(failed(co_await mine.read("data/count"), DomainErrc::kNotFound));
  EXPECT_EQ((co_await mine.list("data/new")).value_or(std::vector<std::string>{}).size(), 2U);
  EXPECT_TRUE(failed(co_await mine.end(*in, true), DomainErrc::kNotFound)) << "it is over";
  const auto dropped = co_await mine.begin();
  EXPECT_TRUE(co_await mine.write("data/never", "1", *dropped));
  EXPECT_TRUE(co_await mine.end(*dropped, false));
  EXPECT_TRUE(failed(co_await mine.read("data/never"), DomainErrc::kNotFound));
  // A transaction conflicts if a name is added from outside to a folder that it listed.
  const auto listed = co_await mine.begin();
  EXPECT_TRUE(co_await mine.list("data/new", *listed));
  EXPECT_TRUE(co_await mine.write("data/new/c", "3"));
  EXPECT_TRUE(failed(co_await mine.end(*listed, true), DomainErrc::kAgain));
  co_return 0;
}
TEST(SimXenstore, MakesTransactionsOneAfterTheOther) {
  Platform platform;
  Host host;
  platform.run([&] { return transactions(&host); });
}

async::Task<int> watches(Host* h) {
  Xenstore& mine = h->a.store();
  auto watch = std::move(*mine.watch("data/x"));
  const auto soon = [] { return async::Wait::at_most(milliseconds(1)); };
  EXPECT_TRUE(co_await watch->next(soon())) << "the first at once";
  EXPECT_FALSE(co_await watch->next(soon()));
  EXPECT_TRUE(co_await mine.write("data/x/deep/y", "1"));
  EXPECT_TRUE(co_await mine.write("data/x", "2"));
  EXPECT_TRUE(co_await watch->next(soon()));
  EXPECT_FALSE(co_await watch->next(soon())) << "two changes are one";
  EXPECT_TRUE(co_await mine.write("data/xy", "beside"));
  EXPECT_FALSE(co_await watch->next(soon()));
  auto deep = std::move(*mine.watch("data/x/deep/y"));
  EXPECT_TRUE(co_await deep->next(soon()));
  auto other = std::move(*h->b.store().watch("/local/domain/1/data/x"));
  EXPECT_TRUE(co_await other->next(soon()));
  EXPECT_TRUE(co_await mine.remove("data/x"));
  EXPECT_TRUE(co_await deep->next(soon())) << "with what was above it";
  EXPECT_TRUE(co_await watch->next(soon()));
  EXPECT_FALSE(co_await other->next(soon())) << "of what one may not read nothing is heard";
  const auto in = co_await mine.begin();
  EXPECT_TRUE(co_await mine.write("data/x", "3", *in));
  EXPECT_FALSE(co_await watch->next(soon()));
  EXPECT_TRUE(co_await mine.end(*in, true));
  EXPECT_TRUE(co_await watch->next(soon()));
  const Result<std::string> late =
      co_await mine.read("data/x", sig::kNoTransaction, async::Wait::at_most(microseconds(1)));
  EXPECT_TRUE(!late && late.error() == Error(async::Errc::kTimedOut));
  co_return 0;
}
TEST(SimXenstore, TellsOfChangesBelowAndOfWhatMayBeRead) {
  Platform platform;
  Host host;
  platform.run([&] { return watches(&host); });
}

TEST(SimGrants, ShareMemoryAndKeepItUntilTheOtherSideLetsGo) {
  Platform platform;
  Host h;
  auto offer = h.a.grants().offer(2, 3, sig::GrantAccess::kWrite);
  ASSERT_TRUE(offer);
  ASSERT_EQ(offer->memory().size(), 3 * sig::kGrantPage);
  EXPECT_TRUE(std::ranges::all_of(offer->memory(), [](std::byte b) { return b == std::byte{0}; }));
  const std::vector<sig::GrantReference> refs(offer->references().begin(),
                                              offer->references().end());
  const std::vector<sig::GrantReference> turned(refs.rbegin(), refs.rend());
  auto mapping = h.b.grants().map(1, turned, sig::GrantAccess::kWrite);
  ASSERT_TRUE(mapping);
  offer->memory()[5] = std::byte{1};
  EXPECT_EQ(mapping->memory()[2 * sig::kGrantPage + 5], std::byte{1})
      << "pages in the order of the references";
  mapping->memory()[7] = std::byte{2};
  EXPECT_EQ(offer->memory()[2 * sig::kGrantPage + 7], std::byte{2});
  EXPECT_FALSE(offer->take_back());
  EXPECT_TRUE(failed(h.b.grants().map(1, refs, sig::GrantAccess::kRead), DomainErrc::kBadReference))
      << "asked back";
  *offer = {};
  EXPECT_EQ(h.a.grants().offered(), 3U) << "left to the other side";
  mapping->memory()[0] = std::byte{3};
  *mapping = {};
  EXPECT_EQ(h.a.grants().offered(), 0U);
  EXPECT_EQ(h.b.grants().mapped(), 0U);
}

TEST(SimGrants, RefuseWhatWasNotOffered) {
  Platform platform;
  Host h;
  auto offer = h.a.grants().offer(2, 1, sig::GrantAccess::kRead);
  const std::vector<sig::GrantReference> good(offer->references().begin(),
                                              offer->references().end());
  EXPECT_TRUE(
      failed(h.tools.grants().map(1, good, sig::GrantAccess::kRead), DomainErrc::kBadReference))
      << "to another";
  EXPECT_TRUE(failed(h.b.grants().map(1, good, sig::GrantAccess::kWrite), DomainErrc::kDenied));
  EXPECT_TRUE(
      failed(h.b.grants().map(0, good, sig::GrantAccess::kRead), DomainErrc::kBadReference));
  EXPECT_TRUE(failed(h.b.grants().map(9, good, sig::GrantAccess::kRead), DomainErrc::kNotFound));
  EXPECT_TRUE(failed(h.b.grants().map(1, {}, sig::GrantAccess::kRead), DomainErrc::kBadReference));
  const std::vector<sig::GrantReference> half{good[0], good[0] + 1};
  EXPECT_TRUE(failed(h.b.grants().map(1, half, sig::GrantAccess::kRead), DomainErrc::kBadReference))
      << "all or none";
  EXPECT_EQ(h.b.grants().mapped(), 0U);
  EXPECT_TRUE(offer->take_back());
  EXPECT_TRUE(offer->references().empty());
  EXPECT_TRUE(
      failed(h.b.grants().map(1, good, sig::GrantAccess::kRead), DomainErrc::kBadReference));
  EXPECT_TRUE(failed(h.a.grants().offer(2, GrantTable::kMaxGrants + 1, sig::GrantAccess::kRead),
                     DomainErrc::kExhausted));
}

TEST(SimGrantsDeathTest, AReadersMappingCannotBeWritten) {
  Platform platform;
  Host h;
  auto offer = h.a.grants().offer(2, 1, sig::GrantAccess::kRead);
  auto mapping = h.b.grants().map(1, offer->references(), sig::GrantAccess::kRead);
  EXPECT_DEATH(mapping->memory()[0] = std::byte{1}, "");
}

TEST(SimGrants, OutliveTheirOwnerWhereTheyAreMapped) {
  Platform platform;
  Host h;
  {
    auto offer = h.a.grants().offer(2, 1, sig::GrantAccess::kWrite);
    auto back = h.b.grants().offer(1, 1, sig::GrantAccess::kWrite);
    auto mapping = h.b.grants().map(1, offer->references(), sig::GrantAccess::kWrite);
    auto mapped_back = h.a.grants().map(2, back->references(), sig::GrantAccess::kWrite);
    EXPECT_FALSE(back->take_back());
    offer->memory()[0] = std::byte{4};
    h.a.die();
    EXPECT_EQ(mapping->memory()[0], std::byte{4});
    EXPECT_TRUE(back->take_back()) << "the dead map nothing";
    EXPECT_TRUE(failed(h.b.grants().map(1, offer->references(), sig::GrantAccess::kWrite),
                       DomainErrc::kNotFound));
    EXPECT_TRUE(failed(h.a.grants().offer(2, 1, sig::GrantAccess::kWrite), DomainErrc::kGone));
  }
  EXPECT_EQ(h.b.grants().mapped(), 0U);
}

async::Task<int> events(Host* h) {
  const auto soon = [] { return async::Wait::at_most(milliseconds(1)); };
  auto a = std::move(*h->a.events().open(2));
  EXPECT_FALSE(a->connected());
  a->notify();  // without effect
  EXPECT_TRUE(failed(h->tools.events().connect(1, a->port()), DomainErrc::kBadReference))
      << "opened for another";
  EXPECT_TRUE(failed(h->b.events().connect(1, a->port() + 1), DomainErrc::kBadReference));
  auto b = std::move(*h->b.events().connect(1, a->port()));
  EXPECT_TRUE(a->connected() && b->connected());
  EXPECT_TRUE(failed(h->b.events().connect(1, a->port()), DomainErrc::kBadReference)) << "once";
  EXPECT_TRUE(co_await b->wait(soon())) << "what came before is to be looked at";
  EXPECT_FALSE(co_await b->wait(soon()));
  a->notify();
  a->notify();
  EXPECT_TRUE(co_await b->wait(soon())) << "kept until somebody waits";
  EXPECT_FALSE(co_await b->wait(soon())) << "two are one";
  EXPECT_FALSE(co_await a->wait(soon()));
  b->notify();
  EXPECT_TRUE(co_await a->wait(soon()));
  b.reset();
  EXPECT_FALSE(a->connected());
  EXPECT_FALSE(co_await a->wait(soon())) << "a closed end ends no wait";
  EXPECT_TRUE(failed(h->b.events().connect(1, a->port()), DomainErrc::kBadReference));
  std::vector<std::unique_ptr<EventChannels::Channel>> all;
  for (auto one = h->a.events().open(2); one; one = h->a.events().open(2))
    all.push_back(std::move(*one));
  EXPECT_EQ(all.size(), EventChannels::kMaxChannels - 1);
  co_return 0;
}
TEST(SimEvents, AreKeptAreOneAndAreForTwo) {
  Platform platform;
  Host host;
  platform.run([&] { return events(&host); });
}

}  // namespace
}  // namespace fata::sim
