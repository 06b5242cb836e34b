#include <gtest/gtest.h>

#include <set>

#include "fata/tcp/isn.hpp"
#include "fata/tcp/port_choice.hpp"

namespace fata::tcp {
namespace {

constexpr SipKey kKey{0x0123456789abcdef, 0xfedcba9876543210};
const IpAddress kHere = Ipv4Address::of(192, 0, 2, 1);
const IpAddress kThere = Ipv4Address::of(192, 0, 2, 2);
constexpr Instant kNow = Instant{} + seconds(5);

TEST(InitialNumbers, GrowByTwoHundredFiftyThousandASecondForOnePair) {
  const InitialNumbers numbers(kKey);
  const auto first = numbers.choose({kHere, 80}, {kThere, 1024}, kNow);
  const auto later = numbers.choose({kHere, 80}, {kThere, 1024}, kNow + seconds(1));
  EXPECT_EQ(later.isn - first.isn, 250'000u);
  EXPECT_EQ(numbers.choose({kHere, 80}, {kThere, 1024}, kNow + microseconds(4)).isn - first.isn,
            1u);
  EXPECT_EQ(later.timestamp_offset, first.timestamp_offset);
}

TEST(InitialNumbers, DifferInEachOfTheFourNumbersAndInTheSecret) {
  const Endpoint local{kHere, 80};
  const Endpoint remote{kThere, 1024};
  const auto base = InitialNumbers(kKey).choose(local, remote, kNow);
  for (const auto& other : {InitialNumbers(kKey).choose({kHere, 81}, remote, kNow),
                            InitialNumbers(kKey).choose(local, {kThere, 1025}, kNow),
                            InitialNumbers(kKey).choose({kThere, 80}, remote, kNow),
                            InitialNumbers(kKey).choose(local, {kHere, 1024}, kNow),
                            InitialNumbers(kKey).choose(remote, local, kNow),
                            InitialNumbers({1, 2}).choose(local, remote, kNow)}) {
    EXPECT_NE(other.isn, base.isn);
    EXPECT_NE(other.timestamp_offset, base.timestamp_offset);
  }
}

TEST(TimestampClock, TicksOnceAMillisecondAndWraps) {
  EXPECT_EQ(timestamp_clock(Instant{} + milliseconds(7)), 7u);
  EXPECT_EQ(timestamp_clock(Instant{} + milliseconds((std::int64_t{1} << 32) + 7)), 7u);
}

TEST(PortChoice, GivesOneServerADifferentPortEachTimeUntilAllWereUsed) {
  PortChoice choice(kKey);
  std::set<std::uint16_t> seen;
  for (std::uint32_t i = 0; i < PortChoice::kCount; ++i) {
    const auto port = choice.choose(kHere, {kThere, 53}, [](std::uint16_t) { return true; });
    ASSERT_TRUE(port);
    ASSERT_GE(*port, PortChoice::kFirst);
    seen.insert(*port);
  }
  EXPECT_EQ(seen.size(), PortChoice::kCount);
}

TEST(PortChoice, PassesOverPortsInUseAndSaysWhenNoneIsFree) {
  PortChoice choice(kKey);
  EXPECT_EQ(choice.choose(kHere, {kThere, 53}, [](std::uint16_t port) { return port == 40'000; }),
            40'000);
  EXPECT_EQ(choice.choose(kHere, {kThere, 53}, [](std::uint16_t) { return false; }), std::nullopt);
}

TEST(PortChoice, StartsElsewhereForEachServer) {
  std::set<std::uint16_t> first;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    PortChoice choice(kKey);
    first.insert(*choice.choose(kHere, {kThere, port}, [](std::uint16_t) { return true; }));
  }
  EXPECT_GT(first.size(), 95u);
}

}  // namespace
}  // namespace fata::tcp
