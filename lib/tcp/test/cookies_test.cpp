#include <gtest/gtest.h>

#include "fata/tcp/fast_open.hpp"
#include "fata/tcp/syn_cookie.hpp"

namespace fata::tcp {
namespace {

constexpr SipKey kKey{0x0123456789abcdef, 0xfedcba9876543210};
const Endpoint kLocal{Ipv4Address::of(192, 0, 2, 1), 80};
const Endpoint kRemote{Ipv4Address::of(192, 0, 2, 2), 1024};
constexpr std::uint32_t kPeerIsn = 0xfffffff0;
constexpr Instant kNow = Instant{} + seconds(640);  // a period begins here

struct Made {
  SynOptions in;
  std::uint16_t mss;
  int scale;  // -1: none
};

TEST(SynCookie, BringsTheOptionsBackRoundedDown) {
  const SynCookies cookies(kKey);
  for (const Made& made : std::initializer_list<Made>{
           {{.mss = 1460, .window_scale = 7, .sack = true}, 1460, 7},
           {{.mss = 1460, .window_scale = 14}, 1460, 10},
           {{.mss = 1459, .window_scale = 5, .sack = true}, 1440, 4},
           {{.mss = 65535, .window_scale = 0}, 8940, 0},
           {{.mss = 536, .sack = true}, 536, -1},
           {{.mss = 1, .window_scale = 1}, 216, 0},
           {{.mss = 1440, .window_scale = 8}, 1440, 8},
           {{.mss = 1300, .window_scale = 9, .sack = true}, 1300, 8},
       }) {
    const std::uint32_t cookie = cookies.make(kLocal, kRemote, kPeerIsn, made.in, kNow);
    const auto back = cookies.check(kLocal, kRemote, kPeerIsn, cookie, std::nullopt, kNow);
    ASSERT_TRUE(back) << made.in.mss;
    EXPECT_EQ(back->mss, made.mss);
    EXPECT_EQ(back->window_scale ? *back->window_scale : -1, made.scale);
    EXPECT_EQ(back->sack, made.in.sack);
    EXPECT_FALSE(back->timestamps);
  }
}

TEST(SynCookie, TimestampsCarryTheExactScaleAndEcn) {
  const SynCookies cookies(kKey);
  for (int scale = -1; scale <= 14; ++scale) {
    for (const bool ecn : {false, true}) {
      SynOptions syn{.mss = 1460, .sack = true, .timestamps = true, .ecn = ecn};
      if (scale >= 0) syn.window_scale = static_cast<std::uint8_t>(scale);
      const std::uint32_t cookie = cookies.make(kLocal, kRemote, kPeerIsn, syn, kNow);
      const std::uint32_t tsval = SynCookies::timestamp(123'456, syn);
      EXPECT_EQ(cookies.check(kLocal, kRemote, kPeerIsn, cookie, tsval, kNow), syn) << scale;
    }
  }
}

TEST(SynCookie, TheMarkedTimestampIsNeverAheadOfTheClockAndLittleBehind) {
  for (std::uint32_t clock : {0u, 1u, 31u, 32u, 1000u, 0x7fffffffu, 0xffffffffu}) {
    for (std::uint8_t scale = 0; scale <= 14; ++scale) {
      const std::uint32_t behind =
          clock - SynCookies::timestamp(clock, {.window_scale = scale, .ecn = true});
      EXPECT_LE(behind, 31u) << clock;
    }
  }
}

TEST(SynCookie, LivesForSixtyFourToAHundredTwentyEightSeconds) {
  const SynCookies cookies(kKey);
  const auto valid_after = [&](Instant made, Duration later) {
    const std::uint32_t cookie = cookies.make(kLocal, kRemote, kPeerIsn, {}, made);
    return cookies.check(kLocal, kRemote, kPeerIsn, cookie, std::nullopt, made + later).has_value();
  };
  EXPECT_TRUE(valid_after(kNow, seconds(127)));
  EXPECT_FALSE(valid_after(kNow, seconds(128)));
  const Instant late = kNow + seconds(63);
  EXPECT_TRUE(valid_after(late, seconds(64)));
  EXPECT_FALSE(valid_after(late, seconds(65)));
  EXPECT_FALSE(valid_after(kNow, seconds(192)));
  EXPECT_FALSE(valid_after(kNow, seconds(256)));
  EXPECT_TRUE(valid_after(Instant{}, seconds(3))) << "also when the machine has just started";
}

TEST(SynCookie, IsOfThisPairThisSynAndThisSecretOnly) {
  const SynCookies cookies(kKey);
  const std::uint32_t cookie = cookies.make(kLocal, kRemote, kPeerIsn, {}, kNow);
  const auto good = [&](const SynCookies& by, const Endpoint& local, const Endpoint& remote,
                        std::uint32_t isn, std::uint32_t number) {
    return by.check(local, remote, isn, number, std::nullopt, kNow).has_value();
  };
  EXPECT_TRUE(good(cookies, kLocal, kRemote, kPeerIsn, cookie));
  EXPECT_FALSE(good(cookies, kRemote, kLocal, kPeerIsn, cookie));
  EXPECT_FALSE(good(cookies, {kLocal.address, 81}, kRemote, kPeerIsn, cookie));
  EXPECT_FALSE(good(cookies, kLocal, {kRemote.address, 1025}, kPeerIsn, cookie));
  EXPECT_FALSE(good(cookies, kLocal, kRemote, kPeerIsn + 1, cookie));
  EXPECT_FALSE(good(SynCookies({1, 2}), kLocal, kRemote, kPeerIsn, cookie));
  for (unsigned bit = 0; bit < 32; ++bit) {
    EXPECT_FALSE(good(cookies, kLocal, kRemote, kPeerIsn, cookie ^ (1u << bit))) << bit;
  }
}

TEST(SynCookie, GuessesHitAboutTwiceInTwoToTheTwentyFour) {
  const SynCookies cookies(kKey);
  std::uint32_t hits = 0;
  for (std::uint32_t guess = 0; guess < 200'000; ++guess) {
    hits += cookies.check(kLocal, kRemote, kPeerIsn, guess * 21'473, std::nullopt, kNow).has_value()
                ? 1
                : 0;
  }
  EXPECT_LE(hits, 2u);
}

FastOpenCookie cookie_of(std::string_view text) { return *FastOpenCookie::of(as_bytes(text)); }

TEST(FastOpen, CookiesHaveFourToSixteenBytesAndAnEvenNumberOrAreARequest) {
  EXPECT_TRUE(FastOpenCookie::of({})->is_request());
  for (const std::string_view good : {"1234", "123456", "12345678", "1234567890123456"}) {
    EXPECT_EQ(as_text(FastOpenCookie::of(as_bytes(good))->bytes()), good);
  }
  for (const std::string_view bad :
       {"1", "12", "123", "12345", "12345678901234567", "123456789012345678"}) {
    EXPECT_FALSE(FastOpenCookie::of(as_bytes(bad))) << bad;
  }
}

TEST(FastOpen, AServersCookieIsForOneClientAndOneOfItsAddresses) {
  const FastOpenServer server(kKey);
  const FastOpenCookie cookie = server.make(kLocal.address, kRemote.address);
  EXPECT_EQ(cookie.bytes().size(), 8u);
  EXPECT_TRUE(server.valid(cookie, kLocal.address, kRemote.address));
  EXPECT_FALSE(server.valid(cookie, kLocal.address, kLocal.address));
  EXPECT_FALSE(server.valid(cookie, kRemote.address, kRemote.address));
  EXPECT_FALSE(server.valid(cookie_of("12345678"), kLocal.address, kRemote.address));
  EXPECT_FALSE(server.valid(FastOpenCookie{}, kLocal.address, kRemote.address));
  const FastOpenCookie half = *FastOpenCookie::of(cookie.bytes().first(4));
  EXPECT_FALSE(server.valid(half, kLocal.address, kRemote.address));
}

TEST(FastOpen, ACookieOutlivesOneChangeOfTheSecret) {
  FastOpenServer server(kKey);
  const FastOpenCookie cookie = server.make(kLocal.address, kRemote.address);
  server.renew({1, 2});
  EXPECT_TRUE(server.valid(cookie, kLocal.address, kRemote.address));
  EXPECT_NE(server.make(kLocal.address, kRemote.address), cookie);
  server.renew({3, 4});
  EXPECT_FALSE(server.valid(cookie, kLocal.address, kRemote.address));
}

TEST(FastOpenCache, AsksFirstAndThenUsesWhatWasGiven) {
  FastOpenCache cache;
  EXPECT_TRUE(cache.find(kRemote, kNow)->cookie.is_request());
  cache.learn(kRemote, cookie_of("12345678"), 1460, kNow);
  EXPECT_EQ(cache.find(kRemote, kNow)->cookie, cookie_of("12345678"));
  EXPECT_EQ(cache.find(kRemote, kNow)->mss, 1460);
  EXPECT_TRUE(cache.find({kRemote.address, 1025}, kNow)->cookie.is_request()) << "another server";
  cache.learn(kRemote, cookie_of("abcd"), 536, kNow);
  EXPECT_EQ(cache.find(kRemote, kNow)->cookie, cookie_of("abcd"));
}

TEST(FastOpenCache, AServerThatFailedIsLeftAloneForAnHour) {
  FastOpenCache cache;
  cache.learn(kRemote, cookie_of("12345678"), 1460, kNow);
  cache.failed(kRemote, kNow);
  EXPECT_FALSE(cache.find(kRemote, kNow + seconds(3599)));
  const auto again = cache.find(kRemote, kNow + seconds(3600));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->cookie.is_request());
}

TEST(FastOpenCache, HoldsItsBoundAndForgetsWhatWasNotUsedForLongest) {
  FastOpenCache cache;
  const auto server = [](std::size_t i) {
    return Endpoint{kRemote.address, static_cast<std::uint16_t>(1 + i)};
  };
  for (std::size_t i = 0; i < FastOpenCache::kEntries; ++i) {
    cache.learn(server(i), cookie_of("12345678"), 1460,
                kNow + seconds(static_cast<std::int64_t>(i)));
  }
  cache.find(server(0), kNow + seconds(100));
  cache.learn(server(FastOpenCache::kEntries), cookie_of("12345678"), 1460, kNow + seconds(101));
  EXPECT_FALSE(cache.find(server(0), kNow + seconds(102))->cookie.is_request());
  EXPECT_TRUE(cache.find(server(1), kNow + seconds(102))->cookie.is_request());
  EXPECT_FALSE(cache.find(server(2), kNow + seconds(102))->cookie.is_request());
  EXPECT_FALSE(
      cache.find(server(FastOpenCache::kEntries), kNow + seconds(102))->cookie.is_request());
}

}  // namespace
}  // namespace fata::tcp
