#include "fata/sntp/client.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "fata/sim/effort.hpp"
#include "server.hpp"

namespace fata::sntp {
namespace {

Endpoint server_address(std::size_t number) {
  return {Ipv4Address::of(10, 0, 0, static_cast<std::uint8_t>(number + 1)), kPort};
}
IpAddress address(std::size_t number) { return server_address(number).address; }

// A machine with a client, a network and its servers. Time passes in run_until().
class World final : public Outside {
 public:
  struct Remote {
    TimeServer is{};
    Duration there = milliseconds(10), back = milliseconds(10);
    Duration serves = microseconds(50);
    bool silent = false;
    bool answered = false;
  };

  explicit World(std::size_t servers, std::uint64_t seed = 1) : random(seed) {
    remotes.resize(servers);
    use(servers);
  }
  void use(std::size_t servers) {
    std::vector<IpAddress> list;
    for (std::size_t i = 0; i < servers; ++i) list.push_back(address(i));
    client.use(list, now);
  }

  WallTime utc(Instant at) const {
    return {kNewYear.ns + at.ns + static_cast<std::int64_t>(static_cast<double>(at.ns) * rate)};
  }
  WallReading wall() const { return correction.read(now, host_clock); }
  // How far the wall clock is from UTC.
  Duration wrong() const { return nanoseconds(std::abs(wall().time.ns - utc(now).ns)); }

  void tick() {
    std::array<std::byte, kMessageSize> request;
    while (const IpAddress* to = client.tick(now, request)) send(request, {*to, kPort});
  }
  void send(Bytes request, const Endpoint& to) {
    const auto number = static_cast<std::size_t>(to.address.v4().value & 0xff) - 1;
    sent_at[number].push_back(now);
    last_request.assign(request.begin(), request.end());
    Remote& remote = remotes[number];
    if (remote.silent || (loss != 0 && random() % 100 < loss)) return;
    const Duration jitter_there = jittered(), jitter_back = jittered();
    const Instant arrives = now + remote.there + jitter_there, leaves = arrives + remote.serves;
    flights.push_back({leaves + remote.back + jitter_back, to,
                       remote.is.answer(request, utc(arrives), utc(leaves))});
  }
  // Outside
  WallReading host(Instant at) override {
    return {{at.ns + kNewYear.ns + host_offset.ns}, host_error};
  }
  void correct(const WallReading& reading, Instant at) override {
    correction.correct(reading, at, host(at));
    ++corrections;
  }
  void follow_host() override { correction.clear(); }
  void event(Event what) override { events.push_back(what); }

  // Calls `look` after each step.
  void run_until(Instant end, const auto& look) {
    for (;;) {
      Instant next = client.next_deadline();
      std::size_t due = flights.size();
      for (std::size_t i = 0; i < flights.size(); ++i) {
        if (flights[i].arrives <= next) next = flights[i].arrives, due = i;
      }
      if (next > end) break;
      now = std::max(now, next);
      host_clock = host(now);
      if (due == flights.size()) {
        tick();
      } else {
        const Flight flight = flights[due];
        flights.erase(flights.begin() + static_cast<std::ptrdiff_t>(due));
        client.receive(flight.message, flight.from, now);
        remotes[flight.from.address.v4().value % 256 - 1].answered = true;
      }
      look();
    }
    now = end;
    host_clock = host(now);
    look();
  }
  void run_until(Instant end) {
    run_until(end, [] {});
  }
  bool all_answered(std::size_t first) const {
    return std::ranges::all_of(std::span(remotes).subspan(first), &Remote::answered);
  }
  std::size_t requests(std::size_t number = 0) const { return sent_at[number].size(); }

  struct Flight {
    Instant arrives;
    Endpoint from;
    std::vector<std::byte> message;
  };
  std::mt19937_64 random;
  Instant now{seconds(1).ns};
  double rate = 0;
  Duration host_offset{}, host_error = seconds(1);
  unsigned loss = 0;
  Duration jitter{};
  std::vector<Remote> remotes;
  std::array<std::vector<Instant>, Client::kMaxServers> sent_at;
  std::vector<std::byte> last_request;
  std::vector<Flight> flights;
  std::vector<Event> events;
  unsigned corrections = 0;
  WallCorrection correction;
  WallReading host_clock = host(now);
  Client client{{1, 2}, *this};

 private:
  Duration jittered() {
    return jitter == Duration{} ? jitter
                                : nanoseconds(static_cast<std::int64_t>(
                                      random() % static_cast<std::uint64_t>(jitter.ns)));
  }
};
constexpr Instant at(std::int64_t s) { return {seconds(s).ns}; }
using Events = std::vector<Event>;

TEST(Sntp, WithoutServersNothingIsSentOrDue) {
  World world(0);
  EXPECT_TRUE(world.client.next_deadline().is_never());
  world.now = at(1000);
  world.tick();
  EXPECT_EQ(world.client.count(Client::kSent), 0u);
}

TEST(Sntp, OneServerCorrectsTheWallClockAndBoundsItsError) {
  World world(1);
  world.host_offset = milliseconds(300);
  world.remotes[0].there = milliseconds(30);
  world.run_until(at(5));
  EXPECT_EQ(world.events, Events{Event::kSynchronized});
  EXPECT_TRUE(world.client.is_synchronized());
  // 40 ms of delay, of which 20 ms are asymmetric, and 2 + 4 ms of root distance.
  EXPECT_NEAR(static_cast<double>(world.wrong().us()), 10'000, 100);
  EXPECT_GE(world.wall().error, milliseconds(25));
  EXPECT_LE(world.wall().error, milliseconds(27));
}

TEST(Sntp, RequestsToAServerAreAtLeast64SecondsApartAndBackOffTo1024) {
  World world(1);
  world.run_until(at(20'000));
  const auto& sent = world.sent_at[0];
  ASSERT_GT(sent.size(), 10u);
  for (std::size_t i = 1; i < sent.size(); ++i) {
    const std::int64_t gap = (sent[i] - sent[i - 1]).s();
    EXPECT_GE(gap, std::min<std::int64_t>(64LL << i, 1024)) << i;
    EXPECT_LE(gap, 1024 + 128) << i;
  }
}

TEST(Sntp, ASilentServerIsAskedLessOftenAndLosesItsSampleInTime) {
  World world(1);
  world.run_until(at(5));
  world.remotes[0].silent = true;
  world.run_until(at(20'000));
  EXPECT_GE(world.client.count(Client::kTimeouts), Client::kUnreachable);
  EXPECT_LE(world.requests(), 30u);
  // The error bound grows by the drift of an uncorrected clock.
  EXPECT_GT(world.wall().error, seconds(1));
}

struct Unusable {
  const char* name;
  TimeServer server;
  Client::Count counter;
};
TEST(Sntp, UnusableRepliesAreCountedAndChangeNothing) {
  const Unusable cases[] = {
      {"not synchronized", {.leap = 3}, Client::kUnsynchronized},
      {"stratum 16", {.stratum = 16}, Client::kUnsynchronized},
      {"root delay", {.root_delay = 0x20000}, Client::kTooFar},
      {"root dispersion", {.root_dispersion = 0x10000}, Client::kTooFar},
      {"reference in the future", {.reference_age = seconds(-1)}, Client::kBadTime},
      {"version 3", {.version = 3}, Client::kMalformed},
      {"a request", {.mode = 3}, Client::kMalformed},
  };
  for (const Unusable& each : cases) {
    World world(1);
    world.remotes[0].is = each.server;
    world.run_until(at(10));
    EXPECT_EQ(world.client.count(each.counter), 1u) << each.name;
    EXPECT_EQ(world.corrections, 0u) << each.name;
    EXPECT_TRUE(world.events.empty()) << each.name;
  }
}

TEST(Sntp, AServerThatClaimsToServeForLongerThanTheExchangeIsRefused) {
  World world(1);
  world.remotes[0] = {.there = milliseconds(1), .back = milliseconds(-500), .serves = seconds(1)};
  world.run_until(at(5));
  EXPECT_EQ(world.client.count(Client::kBadTime), 1u);
  world.remotes[0] = {.there = milliseconds(500), .back = milliseconds(600), .serves = seconds(-1)};
  world.run_until(at(200));
  EXPECT_EQ(world.client.count(Client::kBadTime), 2u);
  EXPECT_EQ(world.corrections, 0u);
}

class SntpReplies : public testing::Test {
 protected:
  void SetUp() override {
    world.remotes[0].silent = true;
    world.run_until(at(3));
    ASSERT_EQ(world.requests(), 1u);
    good = TimeServer{}.answer(world.last_request, world.utc(world.now), world.utc(world.now));
  }
  World world{1};
  std::vector<std::byte> good;
};

TEST_F(SntpReplies, FromAnotherAddressOrPortAreRefused) {
  world.client.receive(good, server_address(1), world.now);
  world.client.receive(good, {server_address(0).address, 124}, world.now);
  EXPECT_EQ(world.client.count(Client::kOtherServer), 2u);
  EXPECT_EQ(world.corrections, 0u);
  world.client.receive(good, server_address(0), world.now);
  EXPECT_EQ(world.corrections, 1u);
}

TEST_F(SntpReplies, WithoutTheCookieAreRefusedAndTheRightOneIsStillAccepted) {
  auto forged = good;
  for (std::size_t i = 24; i < 32; ++i) {
    forged[i] ^= std::byte{1};
    world.client.receive(forged, server_address(0), world.now);
    forged[i] ^= std::byte{1};
  }
  EXPECT_EQ(world.client.count(Client::kOtherRequest), 8u);
  EXPECT_EQ(world.corrections, 0u);
  world.client.receive(good, server_address(0), world.now);
  EXPECT_EQ(world.corrections, 1u);
}

TEST_F(SntpReplies, AreAcceptedOnceAndNotAfterTheTimeout) {
  world.client.receive(good, server_address(0), world.now);
  world.client.receive(good, server_address(0), world.now);
  EXPECT_EQ(world.corrections, 1u);
  EXPECT_EQ(world.client.count(Client::kOtherRequest), 1u);
  world.run_until(at(200));
  const auto late = TimeServer{}.answer(world.last_request, world.utc(at(203)), world.utc(at(203)));
  world.client.receive(late, server_address(0), at(203));
  EXPECT_EQ(world.corrections, 1u);
}

TEST_F(SntpReplies, AKissOfDeathWithoutTheCookieHasNoEffect) {
  auto kiss = TimeServer{.leap = 3, .stratum = 0, .reference_id = kDeny}.answer(
      world.last_request, world.utc(world.now), world.utc(world.now));
  kiss[31] ^= std::byte{1};
  world.client.receive(kiss, server_address(0), world.now);
  EXPECT_EQ(world.client.count(Client::kKisses), 0u);
  world.client.receive(good, server_address(0), world.now);
  EXPECT_EQ(world.corrections, 1u);
}

TEST(Sntp, AServerThatDeniesServiceIsNotAskedAgain) {
  for (const std::uint32_t code : {kDeny, kRestrict}) {
    World world(1);
    world.remotes[0].is = {.leap = 3, .stratum = 0, .reference_id = code};
    world.run_until(at(100'000));
    EXPECT_EQ(world.requests(), 1u);
    EXPECT_EQ(world.events, Events{Event::kDenied});
    world.use(1);
    EXPECT_TRUE(world.client.next_deadline().is_never());
  }
}

TEST(Sntp, AServerThatLimitsTheRateIsAskedLessOftenFromThenOn) {
  World world(1);
  world.remotes[0].is = {.leap = 3, .stratum = 0, .reference_id = kRate};
  world.run_until(at(200));
  EXPECT_EQ(world.client.count(Client::kKisses), 2u);  // at 1 s and after 128 s
  world.run_until(at(100'000));
  const std::size_t before = world.requests();
  world.remotes[0].is = {};
  world.run_until(at(200'000));
  EXPECT_LE(world.requests() - before, 100'000u / 8192 + 1);
}

TEST(Sntp, OneServerThatContradictsTheHostIsNotBelieved) {
  World world(1);
  world.remotes[0].is.lie = seconds(3);
  world.run_until(at(1000));
  EXPECT_EQ(world.events, Events{Event::kDisagreement});
  EXPECT_GT(world.client.count(Client::kDisagreements), 1u);
  EXPECT_EQ(world.corrections, 0u);
  EXPECT_EQ(world.wall().error, seconds(1));
}

TEST(Sntp, WithoutAHostsClockOneServerIsBelieved) {
  World world(1);
  world.host_error = kInfinite;
  world.host_offset = Duration{} - seconds(1'700'000'000);
  world.run_until(at(5));
  EXPECT_LE(world.wrong(), world.wall().error);
  EXPECT_LT(world.wall().error, milliseconds(20));
}

TEST(Sntp, TwoServersThatContradictEachOtherLeaveTheHostsClock) {
  World world(2);
  world.remotes[1].is.lie = milliseconds(200);
  world.run_until(at(5));
  EXPECT_EQ(world.events.back(), Event::kDisagreement);
  EXPECT_EQ(world.wall().time, world.host_clock.time);
  EXPECT_EQ(world.wall().error, seconds(1));
  world.remotes[1].is.lie = {};
  world.run_until(at(3000));
  EXPECT_EQ(world.events.back(), Event::kSynchronized);
  EXPECT_LE(world.wrong(), world.wall().error);
}

TEST(Sntp, AMajorityOutvotesAFalseServerAndTheHost) {
  for (const std::int64_t lie : {-100'000, -15, 12, 40, 5000}) {
    World world(3);
    world.host_offset = seconds(100);
    world.remotes[1].is.lie = milliseconds(lie);
    world.run_until(at(5));
    EXPECT_EQ(world.events.back(), Event::kSynchronized) << lie;
    EXPECT_LE(world.wrong(), world.wall().error) << lie;
    EXPECT_LE(world.wall().error, milliseconds(30)) << lie;
  }
}

TEST(Sntp, TheFirstServerToAnswerDoesNotDecideForTheOthers) {
  World world(2);
  world.remotes[0].there = seconds(2);
  world.remotes[1].is.lie = milliseconds(900);
  world.run_until(at(3));
  EXPECT_EQ(world.requests(0) + world.requests(1), 2u);
  EXPECT_EQ(world.corrections, 0u);
}

TEST(Sntp, OfThreeServersTwoMustAnswerBeforeAnyIsBelieved) {
  World world(3);
  world.remotes[0].silent = world.remotes[1].silent = true;
  world.run_until(at(10));
  EXPECT_EQ(world.corrections, 0u);
  EXPECT_TRUE(world.events.empty());
  world.remotes[1].silent = false;
  world.run_until(at(500));
  EXPECT_EQ(world.events, Events{Event::kSynchronized});
}

TEST(Sntp, ThreeServersWithoutAMajorityLeaveTheHostsClock) {
  World world(3);
  world.remotes[1].is.lie = seconds(10);
  world.remotes[2].is.lie = seconds(20);
  world.run_until(at(5));
  EXPECT_EQ(world.events.back(), Event::kDisagreement);
  EXPECT_EQ(world.wall().time, world.host_clock.time);
}

TEST(Sntp, APauseOfTheMachineVoidsTheSamples) {
  World world(3);
  world.run_until(at(300));
  ASSERT_TRUE(world.client.is_synchronized());
  // The monotonic clock stood still for an hour, as in a suspended process.
  world.host_offset = seconds(3600);
  world.tick();
  world.host_clock = world.host(world.now);
  EXPECT_FALSE(world.client.is_synchronized());
  EXPECT_EQ(world.wall().time, world.host_clock.time);
  for (auto& each : world.remotes) each.is.lie = seconds(3600);  // UTC has moved on
  world.run_until(at(450));
  EXPECT_TRUE(world.client.is_synchronized());
  EXPECT_NEAR(static_cast<double>(world.wrong().s()), 3600, 1);
}

TEST(Sntp, ARestoreVoidsOpenRequestsAndKeepsTheRateOfRequests) {
  World world(1);
  world.remotes[0].silent = true;
  world.run_until(at(3));
  const auto request = world.last_request;
  world.client.renew({7, 8}, world.now);
  world.client.receive(TimeServer{}.answer(request, world.utc(world.now), world.utc(world.now)),
                       server_address(0), world.now);
  EXPECT_EQ(world.client.count(Client::kOtherRequest), 1u);
  world.run_until(at(1000));
  for (std::size_t i = 1; i < world.requests(); ++i)
    EXPECT_GE(world.sent_at[0][i] - world.sent_at[0][i - 1], seconds(64));
  EXPECT_NE(request, world.last_request);
}

TEST(Sntp, MoreThanEightServersAreDropped) {
  World world(8);
  std::vector<IpAddress> list;
  for (std::size_t i = 0; i < 9; ++i) list.push_back(address(i));
  for (std::size_t i = 0; i < 4; ++i) world.client.use(list, world.now);
  world.run_until(at(4));
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(world.requests(i), 1u) << i;
}

TEST(Sntp, AChangedListVoidsTheSamplesAndKeepsTheRateOfRequests) {
  World world(2);
  world.run_until(at(5));
  world.use(1);
  world.use(2);
  world.run_until(at(500));
  EXPECT_TRUE(world.client.is_synchronized());
  for (const auto& sent : {world.sent_at[0], world.sent_at[1]}) {
    ASSERT_GE(sent.size(), 3u);
    for (std::size_t i = 1; i < sent.size(); ++i) EXPECT_GE(sent[i] - sent[i - 1], seconds(64));
  }
}

// Lossy, slow and asymmetric networks, with a minority of false servers: once the others have
// answered, the wall clock is always within its error bound of UTC.
TEST(SntpNetworks, AMajorityOfTrueServersKeepsTheBoundWithEverySeed) {
  const unsigned seeds = sim::effort(2'000, 10'000);
  unsigned settled = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    std::mt19937_64 random(seed);
    const std::size_t count = 3 + random() % 6;
    World world(count, seed);
    world.rate = (static_cast<double>(random() % 2001) - 1000) * 0.9e-7;
    world.host_offset = milliseconds(static_cast<std::int64_t>(random() % 1000) - 500);
    world.loss = static_cast<unsigned>(random() % 40);
    world.jitter = milliseconds(1 + static_cast<std::int64_t>(random() % 300));
    const std::size_t liars = (count - 1) / 2;
    for (std::size_t i = 0; i < count; ++i) {
      auto& remote = world.remotes[i];
      remote.there = milliseconds(static_cast<std::int64_t>(random() % 500));
      remote.back = milliseconds(static_cast<std::int64_t>(random() % 500));
      if (i < liars)
        remote.is.lie = milliseconds(static_cast<std::int64_t>(random() % 4000) - 2000);
    }
    world.run_until(at(3000), [&] {
      if (!world.all_answered(liars)) return;
      ASSERT_LE(world.wrong(), world.wall().error) << seed << " at " << world.now.ns;
    });
    ASSERT_FALSE(HasFatalFailure());
    if (!world.all_answered(liars)) continue;
    ++settled;
    ASSERT_TRUE(world.client.is_synchronized()) << seed;
  }
  EXPECT_GE(settled, seeds / 100 * 99);
}

TEST(Agreement, IsTheSmallestIntervalOfAllTimesThatEnoughContain) {
  const Interval a{-10, 10}, b{-8, 12}, c{9, 30}, far{100, 110};
  const auto hull = [](std::initializer_list<Interval> all, std::size_t needed) {
    const auto found = agreement(std::span(all.begin(), all.size()), needed);
    return found.is_empty() ? std::pair{std::int64_t{1}, std::int64_t{0}}
                            : std::pair{found.first, found.last};
  };
  const std::pair<std::int64_t, std::int64_t> none{1, 0};
  EXPECT_EQ(hull({}, 1), none);
  EXPECT_EQ(hull({a}, 1), (std::pair<std::int64_t, std::int64_t>{-10, 10}));
  EXPECT_EQ(hull({a, b}, 2), (std::pair<std::int64_t, std::int64_t>{-8, 10}));
  // The third interval contains only a part of what two agree on; that does not narrow the result.
  EXPECT_EQ(hull({a, b, c}, 2), (std::pair<std::int64_t, std::int64_t>{-8, 12}));
  EXPECT_EQ(hull({a, b, far}, 2), (std::pair<std::int64_t, std::int64_t>{-8, 10}));
  EXPECT_EQ(hull({a, far}, 2), none);
  EXPECT_EQ(hull({a, c, far}, 3), none);
}

}  // namespace
}  // namespace fata::sntp
