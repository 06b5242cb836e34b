// Tables that remote hosts can fill: once a table is full, each new entry displaces an old one.
#include <gtest/gtest.h>

#include "fata/ip/path_mtu.hpp"
#include "fata/ip/rate_limit.hpp"
#include "fata/ip/recent_sends.hpp"

namespace fata::ip {
namespace {

IpAddress stranger(std::uint32_t number) { return Ipv4Address{0x0b000000 + number * 7919}; }

TEST(PathMtuTable, ForgetsPathsForNewOnesAndHoldsNoMoreThanItsSize) {
  PathMtuCache cache;
  Instant now = Instant{} + seconds(1);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    now = now + milliseconds(1);
    cache.lower(stranger(i), 1000, now);
    EXPECT_EQ(cache.limit(stranger(i), 1500, now), 1000U) << i;
  }
  std::size_t known = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) known += cache.limit(stranger(i), 1500, now) == 1000;
  EXPECT_LE(known, PathMtuCache::kEntries);
  EXPECT_GT(known, PathMtuCache::kEntries / 2);
}

TEST(RecentSendsTable, ForgetsTheOldestForNewOnesAndHoldsNoMoreThanItsSize) {
  RecentSends recent;
  Instant now = Instant{} + seconds(1);
  const auto sent = [](std::uint32_t i) {
    return RecentSends::Sent{Ipv4Address::of(10, 0, 0, 1), stranger(i), 53, 4000, 100};
  };
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    recent.note(sent(i), now);
    EXPECT_EQ(recent.find(sent(i), now), 100) << i;
  }
  std::size_t known = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) known += recent.find(sent(i), now) != 0;
  EXPECT_LE(known, RecentSends::kEntries);
  EXPECT_GT(known, RecentSends::kEntries / 2);
}

TEST(IcmpRateLimit, AllowsItsBurstAndThenItsRate) {
  RateLimit limit(100, 10);
  Instant now = Instant{} + seconds(50);
  const auto allowed = [&] {
    unsigned count = 0;
    while (limit.allow(now)) ++count;
    return count;
  };
  EXPECT_EQ(allowed(), 10u);
  now = now + milliseconds(10);
  EXPECT_EQ(allowed(), 1u);
  now = now + milliseconds(35);
  EXPECT_EQ(allowed(), 3u);
  now = now + seconds(1000);
  EXPECT_EQ(allowed(), 10u) << "what was not used is not saved up";
  RateLimit never(0, 10);
  EXPECT_FALSE(never.allow(now));
}

}  // namespace
}  // namespace fata::ip
