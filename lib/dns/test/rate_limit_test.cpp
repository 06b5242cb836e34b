// The token buckets of response rate limiting, and the parameters that set them.
#include "fata/dns/rate_limit.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "fata/dns/guard.hpp"

namespace fata::dns {
namespace {

constexpr auto kSecret = [] {
  std::array<std::byte, 16> octets{};
  for (std::size_t i = 0; i < 16; ++i) octets[i] = static_cast<std::byte>(i * 37 + 11);
  return octets;
}();

IpAddress address(std::string_view text) {
  if (const auto v4 = Ipv4Address::parse(text)) return *v4;
  return IpAddress::parse_v6(text).value();
}

// The number of `tries` admitted at the same moment.
unsigned admitted(RateLimiter& limiter, std::string_view client, unsigned tries,
                  ResponseClass kind = ResponseClass::kPositive) {
  unsigned count = 0;
  for (unsigned i = 0; i < tries; ++i) count += limiter.admit(address(client), kind);
  return count;
}

TEST(RateLimiter, AdmitsOneSecondsWorthAtOnce) {
  for (const std::uint32_t rate : {1U, 2U, 3U, 7U, 199U, 200U, 1000U, 33'333U, 100'000U}) {
    for (const std::int64_t start : {0, 1, 1023, 1'000'000'007}) {
      RateLimiter limiter({rate}, kSecret);
      limiter.set_time(Instant{start});
      EXPECT_EQ(admitted(limiter, "192.0.2.1", 3 * rate), rate);
    }
  }
}

TEST(RateLimiter, NeverAdmitsMoreThanTheRateAndOneSecondsCredit) {
  std::mt19937_64 random(7);
  for (const std::uint32_t rate : {1U, 5U, 200U, 100'000U}) {
    RateLimiter limiter({rate}, kSecret);
    std::int64_t now = 123'456'789;
    const std::int64_t start = now;
    std::uint64_t count = 0;
    for (unsigned i = 0; i < 20'000; ++i) {
      now += static_cast<std::int64_t>(random() % 2'000'000);
      limiter.set_time(Instant{now});
      for (unsigned n = 0; n < 20; ++n) count += limiter.admit(address("192.0.2.1"), {});
      ASSERT_LE(count, rate + static_cast<std::uint64_t>(now - start) * rate / 1'000'000'000 + 1);
    }
    // The number is not much smaller either, as far as there were that many requests.
    const double seconds = static_cast<double>(now - start) / 1e9;
    EXPECT_GE(static_cast<double>(count), 0.99 * std::min(rate * seconds, 20'000.0 * 20));
  }
}

TEST(RateLimiter, CreditComesBackWithTime) {
  RateLimiter limiter({200}, kSecret);
  limiter.set_time(Instant{1'000'000'000});
  EXPECT_EQ(admitted(limiter, "192.0.2.1", 1000), 200U);
  EXPECT_EQ(admitted(limiter, "192.0.2.1", 1000), 0U);
  limiter.set_time(Instant{1'501'000'000});
  EXPECT_EQ(admitted(limiter, "192.0.2.1", 1000), 100U);
  limiter.set_time(Instant{9'000'000'000});
  EXPECT_EQ(admitted(limiter, "192.0.2.1", 1000), 200U) << "credit of a second, and no more";
}

TEST(RateLimiter, CountsEachPrefixAndEachClassAlone) {
  RateLimiter limiter({200}, kSecret);
  limiter.set_time(Instant{1'000'000'000});
  EXPECT_EQ(admitted(limiter, "192.0.2.1", 200), 200U);
  EXPECT_EQ(admitted(limiter, "192.0.2.255", 1), 0U) << "of the same /24";
  EXPECT_EQ(admitted(limiter, "192.0.3.1", 200), 200U);
  EXPECT_EQ(admitted(limiter, "193.0.2.1", 200), 200U);
  for (const ResponseClass kind :
       {ResponseClass::kNoData, ResponseClass::kNxDomain, ResponseClass::kError})
    EXPECT_EQ(admitted(limiter, "192.0.2.1", 300, kind), 200U);

  EXPECT_EQ(admitted(limiter, "2001:db8:0:1100::1", 200), 200U);
  EXPECT_EQ(admitted(limiter, "2001:db8:0:11ff:ffff:ffff:ffff:ffff", 1), 0U) << "of the same /56";
  EXPECT_EQ(admitted(limiter, "2001:db8:0:1200::1", 200), 200U);
  EXPECT_EQ(admitted(limiter, "3001:db8:0:1100::1", 200), 200U);
}

TEST(RateLimiter, EverySecondResponseOfAnExcessSlipsThrough) {
  RateLimiter limiter({200}, kSecret);
  // Tests this whether or not credit was regained in between.
  for (std::int64_t now = 1'000'000'000; now < 1'100'000'000; now += 7'000'000) {
    limiter.set_time(Instant{now});
    (void)admitted(limiter, "192.0.2.1", 200);
    unsigned slipped = 0;
    for (unsigned i = 0; i < 10; ++i)
      slipped += limiter.excess(address("192.0.2.1"), ResponseClass::kPositive) ==
                 RateLimiter::Excess::kSlip;
    EXPECT_EQ(slipped, 5U);
    EXPECT_EQ(admitted(limiter, "192.0.2.1", 1), 0U) << "slipping gives no credit";
  }
}

TEST(RateLimiter, AHandfulOfPrefixesDoesNotCollide) {
  for (std::uint8_t seed = 0; seed < 20; ++seed) {
    auto secret = kSecret;
    secret[3] = secret[12] = static_cast<std::byte>(seed);
    RateLimiter limiter({1}, secret);
    limiter.set_time(Instant{1'000'000'000});
    // Counts the adjacent prefixes, and the prefixes that differ in a single bit, that share a
    // bucket.
    unsigned shared = 0;
    for (unsigned i = 0; i < 256; ++i)
      shared += !limiter.admit(Ipv4Address{0x0a000000 + (i << 8)}, ResponseClass::kPositive);
    for (unsigned bit = 0; bit < 56; ++bit) {
      std::array<std::byte, 16> octets{std::byte{0x20}};
      octets[bit / 8] ^= std::byte{1} << (7 - bit % 8);
      shared += !limiter.admit(IpAddress(octets), ResponseClass::kPositive);
    }
    EXPECT_LE(shared, 20U) << "312 prefixes, 8192 places: 6 on average";
  }
}

// The purpose of the table's size: it does not grow during a flood of any number of prefixes, and
// later prefixes are answered.
TEST(RateLimiter, AnotherPrefixIsAdmittedDuringAFloodOfSixteen) {
  RateLimiter limiter({200}, kSecret);
  std::mt19937 random(3);
  unsigned refused = 0;
  for (unsigned i = 0; i < 20'000; ++i) {
    limiter.set_time(Instant{std::int64_t{i} * 200'000});  // 5,000 a second
    (void)limiter.admit(Ipv4Address{0xc6336400 + ((i % 16) << 8)}, ResponseClass::kPositive);
    if (i % 50 == 0) refused += !limiter.admit(address("203.0.113.7"), ResponseClass::kPositive);
  }
  EXPECT_EQ(refused, 0U);
}

// For any clock value, above all where 32 bits wrap around, and after any pause.
TEST(RateLimiter, ABucketIsFullAtAnyTimeUntilItIsUsed) {
  for (const std::uint32_t rate : {1U, 200U, 100'000U}) {
    RateLimiter limiter({rate}, kSecret);
    std::int64_t now = 0;
    std::uint32_t prefix = 0;
    const auto step = [&](std::int64_t to) {
      now = to;
      limiter.set_time(Instant{now});
      EXPECT_EQ(admitted(limiter, "192.0.2.1", rate + 1), rate) << now;
      EXPECT_TRUE(limiter.admit(Ipv4Address{0x0a000000 + (++prefix << 8)}, {})) << now;
    };
    for (const std::int64_t hours : {0, 1, 2, 5, 24, 1000}) step(hours * 3'600'000'000'000 + 17);
    for (const unsigned bits : {32U, 42U, 52U, 62U}) {
      const std::int64_t wrap = std::int64_t{1} << bits;
      if (wrap < now) continue;
      step(wrap - 999'999'999);
      step(wrap + 1'500'000'000);
    }
  }
}

TEST(RateLimiter, CreditComesBackAcrossPowersOfTwo) {
  for (const unsigned bits : {31U, 32U, 41U, 42U, 62U}) {
    RateLimiter limiter({200}, kSecret);
    const std::int64_t wrap = std::int64_t{1} << bits;
    limiter.set_time(Instant{wrap - 1'000'000});
    EXPECT_EQ(admitted(limiter, "192.0.2.1", 1000), 200U);
    limiter.set_time(Instant{wrap + 499'100'000});
    EXPECT_EQ(admitted(limiter, "192.0.2.1", 1000), 100U);
  }
}

TEST(RateLimit, IsReadStrictly) {
  for (const auto& [text, rate] :
       {std::pair{"1", 1U}, {"200", 200U}, {"100000", 100'000U}, {"off", 0U}}) {
    RateLimit limit;
    EXPECT_TRUE(parse_parameter(text, limit)) << text;
    EXPECT_EQ(limit.per_second, rate);
  }
  for (const char* text :
       {"", "0", "-1", "+1", "100001", "99999999999999999999", "2e2", "200/s", "Off", "on", " 1"}) {
    RateLimit limit;
    EXPECT_FALSE(parse_parameter(text, limit)) << text;
  }
}

TEST(Prefixes, AreReadStrictly) {
  for (const char* text : {"10.0.2.2", "10.0.0.0/8", "0.0.0.0/0", "::/0", "fec0::2,10.0.2.2",
                           "2001:db8::/32", "::1/128"}) {
    Prefixes prefixes;
    EXPECT_TRUE(parse_parameter(text, prefixes)) << text;
  }
  for (const char* text : {"",
                           ",",
                           "10.0.2.2,",
                           ",10.0.2.2",
                           "10.0.0.0/33",
                           "10.0.0.0/",
                           "10.0.0.0/8/8",
                           "10.0.0/8",
                           "2001:db8::/129",
                           "2001:db8::/-1",
                           "fe80::1%eth0",
                           "example.org",
                           "10.0.2.2 10.0.2.3",
                           "10.0.0.1/8",
                           "10.0.2.2/31.",
                           "192.0.2.128/24",
                           "10.0.0.0/0",
                           "2001:db8::1/64",
                           "2001:db8:8000::/32",
                           "1::/0",
                           "::ffff:192.0.2.1",
                           "::ffff:192.0.2.0/120",
                           "10.0.0.0/+8",
                           "10.0.0.0/08x",
                           "10.0.0.0 /8",
                           "10.0.0.0/8,",
                           "10.0.0.0/8,,::1",
                           "/8",
                           "010.0.0.0/8"}) {
    Prefixes prefixes;
    ASSERT_TRUE(parse_parameter("192.0.2.1", prefixes));
    EXPECT_FALSE(parse_parameter(text, prefixes)) << text;
    EXPECT_TRUE(prefixes.contains(address("192.0.2.1"))) << "as it was";
  }
  // Parsing another list replaces the previous one.
  Prefixes twice;
  ASSERT_TRUE(parse_parameter("192.0.2.1", twice));
  ASSERT_TRUE(parse_parameter("192.0.2.2", twice));
  EXPECT_FALSE(twice.contains(address("192.0.2.1")));
  std::string many = "10.0.0.1";
  for (unsigned i = 2; i <= Prefixes::kMax; ++i) many += ",10.0.0." + std::to_string(i);
  Prefixes prefixes, more;
  EXPECT_TRUE(parse_parameter(many, prefixes));
  EXPECT_FALSE(parse_parameter(many + ",10.0.1.1", more));
}

TEST(Prefixes, ContainTheirAddresses) {
  Prefixes prefixes;
  EXPECT_FALSE(prefixes.contains(address("10.0.2.2")));
  ASSERT_TRUE(parse_parameter("10.0.2.2,172.16.0.0/12,2001:db8::/32", prefixes));
  for (const char* text : {"10.0.2.2", "172.16.0.0", "172.31.255.255", "2001:db8:ffff::1"})
    EXPECT_TRUE(prefixes.contains(address(text))) << text;
  for (const char* text :
       {"10.0.2.3", "172.32.0.0", "172.15.255.255", "2001:db9::", "::", "::1", "0.0.0.0"})
    EXPECT_FALSE(prefixes.contains(address(text))) << text;
  Prefixes all_v4;
  ASSERT_TRUE(parse_parameter("0.0.0.0/0", all_v4));
  EXPECT_TRUE(all_v4.contains(address("8.8.8.8")));
  EXPECT_FALSE(all_v4.contains(address("2001:db8::1")));
  for (const char* text : {"::/0", "::/8", "::/64", "::/80"}) {
    Prefixes v6;
    ASSERT_TRUE(parse_parameter(text, v6));
    EXPECT_TRUE(v6.contains(address("::2"))) << text;
    EXPECT_FALSE(v6.contains(address("8.8.8.8"))) << text << " is of IPv6";
  }
}

}  // namespace
}  // namespace fata::dns
