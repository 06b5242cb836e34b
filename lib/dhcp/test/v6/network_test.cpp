// A client and servers on networks that lose, duplicate, delay and forge messages, in virtual time.
// FATA_SEEDS=FIRST:COUNT replaces the seeds. A failure names its seed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "fata/dhcp/v6/client.hpp"
#include "fata/sim/effort.hpp"
#include "server.hpp"

namespace fata::dhcp::v6 {
namespace {

using State = Client::State;

// Grants addresses of its own network, one at a time. `ends` outlives its memory of the binding.
struct Server {
  int id = 1;
  bool up = true, rapid = false, liar = false;
  std::uint32_t valid = 600;
  std::uint16_t next = 1;
  bool knows = false;
  std::map<IpAddress, Instant> ends{};

  IpAddress address() const {
    return IpAddress::of(0x2001, 0xdb8, 0, static_cast<std::uint16_t>(id), 0, 0, 0, next);
  }
  std::optional<Answer6> reply(const Asked& asked, Instant now) {
    if (!up) return std::nullopt;
    if (asked.has(2) && asked.options.at(2).back() != static_cast<std::byte>(id)) {
      return std::nullopt;
    }
    Answer6 answer{.xid = asked.xid, .server = id, .address = address(), .valid = valid};
    switch (asked.kind) {
      case Kind::kSolicit:
        if (!rapid) answer.kind = Kind::kAdvertise;
        answer.rapid = rapid;
        if (rapid) grant(now);
        return answer;
      case Kind::kRequest:
        grant(now);
        return answer;
      case Kind::kRenew:
      case Kind::kRebind:
        if (!knows || asked.address() != address()) {
          answer.association_status = 3;
          answer.valid = {};
          return asked.kind == Kind::kRenew ? std::optional(answer) : std::nullopt;
        }
        grant(now);
        return answer;
      case Kind::kDecline:
        ++next;
        knows = false;
        answer.association = false;
        return answer;
      default:
        return std::nullopt;
    }
  }
  void grant(Instant now) {
    knows = true;
    ends[address()] = now + seconds(valid);
  }
};

class World final : public Outside {
 public:
  explicit World(std::uint64_t seed) : random_(seed), client({.mac = kUs}, {seed, 1}, *this) {
    loss = pick(40);
    for (int i = 0; i < 3; ++i) {
      servers[static_cast<std::size_t>(i)] = {.id = i + 1,
                                              .up = i == 0 || pick(2) == 0,
                                              .rapid = pick(3) == 0,
                                              .liar = i == 2,
                                              .valid = 60 + pick(2000)};
    }
    slow = milliseconds(pick(4) == 0 ? 3000 : 50);
  }

  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

  void send(Bytes message, Instant at) override {
    ++sent;
    if (pick(100) < loss) return;
    const Asked asked = Asked::of(message);
    for (Server& server : servers) {
      auto answer = server.reply(asked, at);
      if (!answer) continue;
      if (server.liar && calm_after > at) forge(*answer);
      for (unsigned copies = pick(10) == 0 ? 2 : 1; copies > 0; --copies) {
        if (pick(100) < loss) continue;
        const Duration delay =
            nanoseconds(pick(static_cast<std::uint32_t>(slow.ms()) + 1) * 1'000'000LL);
        flying.emplace(at + delay, answer->bytes());
      }
    }
  }
  // One of the ways in which a server is wrong.
  void forge(Answer6& answer) {
    switch (pick(8)) {
      case 0:
        answer.xid ^= 1U << pick(24);
        break;
      case 1:
        answer.client[pick(10)] ^= std::byte{4};
        break;
      case 2:
        answer.server = 0;
        break;
      case 3:
        answer.status = 1 + static_cast<int>(pick(5));
        break;
      case 4:
        answer.valid = pick(16);
        break;
      case 5:
        answer.association_status = static_cast<int>(pick(7));
        break;
      case 6:
        answer.more.push_back({3, Octets(pick(40), std::byte{0xff})});
        break;
      default:
        answer.kind = static_cast<Kind>(pick(14));
    }
  }
  void event(Event what, const Lease& lease, Instant at) override {
    switch (what) {
      case Event::kCheck:
        EXPECT_TRUE(used.is_any());
        used = lease.address;
        checked_at = at + seconds(1);
        break;
      case Event::kBound:
        ++bound;
        break;
      case Event::kLost:
        EXPECT_EQ(used, lease.address);
        used = {};
        checked_at = Instant::never();
        break;
      default:
        break;
    }
  }

  void run_until(Instant end) {
    for (;;) {
      Instant at = std::min(client.next_deadline(), checked_at);
      if (!flying.empty()) at = std::min(at, flying.begin()->first);
      if (at > end) break;
      now = std::max(now, at);
      if (!flying.empty() && flying.begin()->first <= now) {
        const Octets bytes = flying.begin()->second;
        flying.erase(flying.begin());
        client.receive(bytes, now);
      }
      if (checked_at <= now) {
        checked_at = Instant::never();
        if (pick(10) == 0) {
          client.address_taken(now);
        } else {
          client.address_ready(now);
        }
      }
      client.tick(now);
      check_address();
      ASSERT_FALSE(::testing::Test::HasFailure());
    }
    now = end;
  }
  // An address in use is granted, and no longer than its server believes.
  void check_address() const {
    const bool checking = client.state() == State::kChecking;
    ASSERT_EQ(client.has_address() || checking, !used.is_any());
    if (!client.has_address()) return;
    ASSERT_LT(now, client.lease().end);
    for (const Server& server : servers) {
      const auto granted = server.ends.find(used);
      if (granted == server.ends.end()) continue;
      EXPECT_LE(client.lease().end, granted->second);
      return;
    }
    FAIL() << "no server granted the address";
  }

 private:
  std::mt19937_64 random_;

 public:
  Instant now = Instant{} + seconds(5), checked_at = Instant::never();
  Instant calm_after = Instant::never();
  std::array<Server, 3> servers;
  std::multimap<Instant, Octets> flying;
  IpAddress used;
  unsigned loss = 0, sent = 0, bound = 0;
  Duration slow{};
  Client client;
};

TEST(Dhcp6Network, AnAddressIsUsedOnlyWhileGrantedAndIsFoundInTheEndWithEverySeed) {
  std::uint64_t first = 1, count = sim::effort(200, 10'000);
  if (const char* asked = std::getenv("FATA_SEEDS")) {
    char* end = nullptr;
    first = std::strtoull(asked, &end, 10);
    count = *end == ':' ? std::strtoull(end + 1, nullptr, 10) : 1;
  }
  unsigned renewed_or_moved = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    world.client.start(world.pick(2) == 0 ? Need::kAddress : Need::kSettings, world.now);
    world.client.start(Need::kAddress, world.now);
    for (int phase = 0; phase < 6; ++phase) {
      world.run_until(world.now + seconds(world.pick(1500)));
      ASSERT_FALSE(HasFailure());
      Server& server = world.servers[world.pick(3)];
      if (world.pick(2) == 0) server.up = !server.up;
      if (world.pick(3) == 0) server.knows = false;
      if (world.pick(8) == 0) world.client.renew({seed, 2}, world.now);
    }
    // A calm network. The longest pause between two Solicits is 3960 s.
    world.loss = 0;
    world.calm_after = world.now;
    world.servers[0].up = true;
    world.slow = milliseconds(50);
    world.flying.clear();
    world.run_until(world.now + seconds(12'000));
    ASSERT_FALSE(HasFailure());
    EXPECT_TRUE(world.client.has_address()) << "state " << static_cast<int>(world.client.state());
    EXPECT_LT(world.sent, 3000u);
    renewed_or_moved += world.bound > 1;
    world.client.release(world.now);
    EXPECT_TRUE(world.used.is_any());
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(renewed_or_moved, count / 10) << "the networks are too kind to test anything";
}

}  // namespace
}  // namespace fata::dhcp::v6
