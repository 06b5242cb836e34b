// Races in virtual time, between networks that are values.
#include "fata/eyeballs/engine.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "fata/sig/records.hpp"
#include "fata/sim/effort.hpp"

namespace fata::eyeballs {
namespace {

using sig::NameErrc;

IpAddress v6(std::uint16_t number) { return IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, number); }
IpAddress v4(std::uint8_t number) { return Ipv4Address::of(192, 0, 2, number); }

enum class Fate { kAnswers, kRefuses, kDead };
struct Host {
  Fate fate = Fate::kAnswers;
  Duration after = milliseconds(30);
};
// A family's lookup: its addresses, or an error if it has none.
struct Lookup {
  Duration after = milliseconds(20);
  std::vector<IpAddress> addresses{};
  Error error = NameErrc::kNoData;
};

struct Started {
  IpAddress address;
  Duration at;
};
struct Outcome {
  std::vector<Started> started{};
  std::optional<IpAddress> winner{};
  Duration at{};
  std::string error{};
  std::string failures{};
};

std::string text_of(const auto& value) {
  return std::string(Text<300>(std::in_place, value).view());
}

class Network {
 public:
  Lookup aaaa, a;
  std::map<IpAddress, Host> hosts;  // others answer after 30 ms
  Options options{};

  Outcome race() {
    Engine engine(443, options);
    std::multimap<Instant, std::function<void(Instant)>> events;
    const Instant begin = Instant{} + seconds(100);
    for (const Family family : {Family::kV6, Family::kV4}) {
      const Lookup& lookup = family == Family::kV6 ? aaaa : a;
      events.emplace(begin + lookup.after, [&engine, &lookup, family](Instant now) {
        if (lookup.addresses.empty()) return engine.unresolved(family, lookup.error);
        engine.resolved(family, lookup.addresses, now);
      });
    }
    Outcome outcome;
    Instant now = begin;
    for (;;) {
      while (const auto number = engine.next(now)) {
        const Endpoint to = engine.target(*number);
        EXPECT_EQ(to.port, 443);
        outcome.started.push_back({to.address, now - begin});
        const Host host = hosts.contains(to.address) ? hosts.at(to.address) : Host{};
        if (host.fate == Fate::kDead) continue;
        events.emplace(now + host.after, [&engine, number = *number, host](Instant at) {
          if (host.fate == Fate::kAnswers) return engine.connected(number);
          engine.failed(number, Error(NameErrc::kServersFailed, 5), at);
        });
      }
      if (engine.over()) break;
      const Instant deadline = engine.next_deadline();
      if (events.empty() && deadline.is_never()) {
        outcome.error = "waits";
        return outcome;
      }
      if (events.empty() || deadline <= events.begin()->first) {
        EXPECT_GT(deadline, now);  // next() had returned nothing
        now = deadline;
        continue;
      }
      now = events.begin()->first;
      const auto event = events.begin()->second;
      events.erase(events.begin());
      event(now);
    }
    outcome.at = now - begin;
    if (const auto winner = engine.winner()) {
      outcome.winner = engine.target(*winner).address;
    } else {
      outcome.error = text_of(engine.error());
    }
    Text<300> failures;
    engine.write_failures(failures);
    outcome.failures = failures.view();
    return outcome;
  }
};

Network dual() {
  Network network;
  network.aaaa.addresses = {v6(1), v6(2)};
  network.a.addresses = {v4(1), v4(2)};
  return network;
}

std::vector<IpAddress> addresses(const Outcome& outcome) {
  std::vector<IpAddress> out;
  for (const Started& each : outcome.started) out.push_back(each.address);
  return out;
}

TEST(HappyEyeballs, TakesIpv6WhereItWorks) {
  const Outcome outcome = dual().race();
  EXPECT_EQ(outcome.winner, v6(1));
  EXPECT_EQ(outcome.at, milliseconds(50));
  EXPECT_EQ(outcome.started.size(), 1U);
}

TEST(HappyEyeballs, ADeadIpv6PathCostsAQuarterOfASecond) {
  Network network = dual();
  network.hosts[v6(1)] = network.hosts[v6(2)] = {.fate = Fate::kDead};
  const Outcome outcome = network.race();
  EXPECT_EQ(outcome.winner, v4(1));
  EXPECT_EQ(outcome.at, milliseconds(20 + 250 + 30));
}

TEST(HappyEyeballs, ARefusalStartsTheNextAtOnce) {
  Network network = dual();
  network.hosts[v6(1)] = {.fate = Fate::kRefuses, .after = milliseconds(10)};
  const Outcome outcome = network.race();
  EXPECT_EQ(outcome.winner, v4(1));
  EXPECT_EQ(outcome.at, milliseconds(20 + 10 + 30));
}

TEST(HappyEyeballs, FamiliesAlternate) {
  Network network = dual();
  for (const IpAddress& each : {v6(1), v6(2), v4(1), v4(2)})
    network.hosts[each] = {.fate = Fate::kDead};
  const Outcome outcome = network.race();
  EXPECT_EQ(outcome.error, "waits");
  EXPECT_EQ(addresses(outcome), (std::vector{v6(1), v4(1), v6(2), v4(2)}));
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(outcome.started[i].at, milliseconds(20 + 250 * static_cast<std::int64_t>(i)));
}

TEST(HappyEyeballs, TheFirstConnectionWinsThoughItsAttemptWasNotTheLast) {
  Network network = dual();
  network.hosts[v6(1)] = {.after = milliseconds(270)};
  network.hosts[v4(1)] = {.after = milliseconds(100)};
  EXPECT_EQ(network.race().winner, v6(1));
}

TEST(HappyEyeballs, Ipv4WaitsForIpv6AsLongAsTheResolutionDelay) {
  Network network = dual();
  network.aaaa.after = milliseconds(60);
  Outcome outcome = network.race();
  EXPECT_EQ(outcome.winner, v6(1));
  EXPECT_EQ(outcome.at, milliseconds(90));
  network.aaaa.after = seconds(3);
  outcome = network.race();
  EXPECT_EQ(outcome.winner, v4(1));
  EXPECT_EQ(outcome.at, milliseconds(20 + 50 + 30));
}

TEST(HappyEyeballs, Ipv4DoesNotWaitForAnIpv6ThatDoesNotExist) {
  Network network = dual();
  network.aaaa = {.after = milliseconds(25)};
  EXPECT_EQ(network.race().at, milliseconds(55));
}

TEST(HappyEyeballs, AnAnswerThatComesLateJoinsIn) {
  Network network = dual();
  network.aaaa.after = milliseconds(400);
  network.hosts[v4(1)] = network.hosts[v4(2)] = {.fate = Fate::kDead};
  const Outcome outcome = network.race();
  // IPv4's attempts start at 70 and 320 ms.
  EXPECT_EQ(addresses(outcome), (std::vector{v4(1), v4(2), v6(1)}));
  EXPECT_EQ(outcome.at, milliseconds(570 + 30));
}

TEST(HappyEyeballs, AnAnswerThatComesAfterAllHaveFailedIsTriedAtOnce) {
  Network network = dual();
  network.aaaa.after = milliseconds(400);
  network.hosts[v4(1)] = network.hosts[v4(2)] = {.fate = Fate::kRefuses};
  EXPECT_EQ(network.race().at, milliseconds(430));
}

TEST(HappyEyeballs, WithoutAConnectionTheErrorIsThatOfTheFirstAttempt) {
  Network network = dual();
  network.aaaa.addresses = {v6(1)};
  network.a.addresses = {v4(1)};
  network.hosts[v6(1)] = network.hosts[v4(1)] = {.fate = Fate::kRefuses};
  const Outcome outcome = network.race();
  const std::string refused = text_of(Error(NameErrc::kServersFailed, 5));
  EXPECT_EQ(outcome.error, refused);
  EXPECT_EQ(outcome.failures, "[2001:db8::1]:443: " + refused + "; 192.0.2.1:443: " + refused);
}

TEST(HappyEyeballs, NamesTheAttemptsThatHaveNotEnded) {
  Engine engine(443);
  const std::array addresses{v6(1), v6(2)};
  engine.resolved(Family::kV6, addresses, Instant{});
  engine.unresolved(Family::kV4, NameErrc::kNoData);
  EXPECT_EQ(engine.next(Instant{}), 0U);
  engine.failed(0, NameErrc::kServersFailed, Instant{});
  EXPECT_EQ(engine.next(Instant{}), 1U);
  Text<300> failures;
  engine.write_failures(failures);
  EXPECT_EQ(failures.view(), "[2001:db8::1]:443: " + text_of(Error(NameErrc::kServersFailed)) +
                                 "; [2001:db8::2]:443: no answer");
}

TEST(HappyEyeballs, WithoutAnAddressTheErrorIsTheLookups) {
  Network network;
  network.aaaa.error = network.a.error = NameErrc::kNotFound;
  EXPECT_EQ(network.race().error, text_of(Error(NameErrc::kNotFound)));
  network.aaaa.error = NameErrc::kNoData;
  network.a.error = NameErrc::kNoAnswer;
  EXPECT_EQ(network.race().error, text_of(Error(NameErrc::kNoAnswer)));
  network.a.error = NameErrc::kNoData;
  EXPECT_EQ(network.race().error, text_of(Error(NameErrc::kNoData)));
}

TEST(HappyEyeballs, AFamilyIsTakenEvenIfTheOthersLookupFails) {
  Network network;
  network.aaaa.error = NameErrc::kNoAnswer;
  network.aaaa.after = seconds(9);
  network.a.addresses = {v4(1)};
  EXPECT_EQ(network.race().at, milliseconds(100));
}

TEST(HappyEyeballs, AddressesBeyondTheBoundAndOfTheOtherFamilyAreIgnored) {
  Network network;
  for (std::uint16_t i = 1; i <= 40; ++i) network.aaaa.addresses.push_back(v6(i));
  network.aaaa.addresses.insert(network.aaaa.addresses.begin(), v4(9));
  for (const IpAddress& each : network.aaaa.addresses)
    network.hosts[each] = {.fate = Fate::kRefuses};
  const Outcome outcome = network.race();
  EXPECT_EQ(outcome.started.size(), Engine::kMaxAddresses);
  EXPECT_EQ(outcome.started.front().address, v6(1));
  EXPECT_NE(outcome.error, "waits");
}

TEST(HappyEyeballs, WhatReachesASiteOnlyOrATunnelComesAfterIpv4) {
  const IpAddress local = IpAddress::of(0xfd00, 0, 0, 0, 0, 0, 0, 1);
  const IpAddress tunnel = IpAddress::of(0x2002, 0xc000, 0x201, 0, 0, 0, 0, 1);
  Network network = dual();
  network.aaaa.addresses = {local, tunnel, v6(1)};
  for (const IpAddress& each : {local, tunnel, v6(1), v4(1), v4(2)})
    network.hosts[each] = {.fate = Fate::kRefuses};
  EXPECT_EQ(addresses(network.race()), (std::vector{v6(1), v4(1), tunnel, v4(2), local}));
  network.aaaa.addresses = {local};
  EXPECT_EQ(addresses(network.race()), (std::vector{v4(1), local, v4(2)}));
}

TEST(Precedence, IsThatOfTheDefaultPolicyTable) {
  EXPECT_EQ(precedence(*IpAddress::parse("::1")), 50U);
  EXPECT_EQ(precedence(*IpAddress::parse("2001:db8::1")), 40U);
  EXPECT_EQ(precedence(*IpAddress::parse("192.0.2.1")), 35U);
  EXPECT_EQ(precedence(*IpAddress::parse("2002::1")), 30U);
  EXPECT_EQ(precedence(*IpAddress::parse("2001::1")), 5U);
  EXPECT_EQ(precedence(*IpAddress::parse("fdab::1")), 3U);
  EXPECT_EQ(precedence(*IpAddress::parse("fec0::1")), 1U);
}

// Whatever the network: a race ends, with the right result; no address is tried twice; attempts
// keep their distance unless one has failed; and a dead path delays by no more than one distance.
TEST(HappyEyeballs, EveryRaceEndsAsTheNetworkAllows) {
  unsigned won = 0, lost = 0;
  const unsigned seeds = sim::effort(1000, 20'000);
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    std::mt19937 random(seed);
    Network network;
    bool any = false;
    for (Lookup* lookup : {&network.aaaa, &network.a}) {
      lookup->after = milliseconds(random() % 300);
      lookup->error = NameErrc::kNoAnswer;
      for (std::uint16_t i = 1; i <= random() % 5; ++i) {
        const IpAddress address = lookup == &network.a ? v4(static_cast<std::uint8_t>(i)) : v6(i);
        lookup->addresses.push_back(address);
        const auto fate = static_cast<Fate>(random() % 3);
        network.hosts[address] = {fate, milliseconds(1 + random() % 600)};
        any = any || fate == Fate::kAnswers;
      }
    }
    const Outcome outcome = network.race();
    ASSERT_EQ(outcome.winner.has_value(), any) << seed;
    any ? ++won : ++lost;
    std::map<IpAddress, unsigned> tried;
    for (std::size_t i = 0; i < outcome.started.size(); ++i) {
      ASSERT_EQ(++tried[outcome.started[i].address], 1U) << seed;
      if (i == 0) continue;
      const Duration distance = outcome.started[i].at - outcome.started[i - 1].at;
      ASSERT_LE(distance, milliseconds(250) + milliseconds(300)) << seed;
      if (distance >= milliseconds(250)) continue;
      bool after_failure = false;
      for (std::size_t j = 0; j < i; ++j) {
        const Host host = network.hosts[outcome.started[j].address];
        after_failure = after_failure ||
                        (host.fate == Fate::kRefuses &&
                         outcome.started[j].at + host.after == outcome.started[i].at) ||
                        outcome.started[i].at == network.aaaa.after ||
                        outcome.started[i].at == network.a.after;
      }
      ASSERT_TRUE(after_failure) << seed;
    }
  }
  EXPECT_GT(won, seeds / 4);
  EXPECT_GT(lost, seeds / 20);
}

}  // namespace
}  // namespace fata::eyeballs
