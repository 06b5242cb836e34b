#include "fata/ip/arp.hpp"

#include "recorder.hpp"

namespace fata::ip::arp {
namespace {

struct Cached {
  BufferPool pool{600, 64};
  Cache cache;
  Instant now = Instant{} + seconds(1000);

  Cache::Lookup look(Ipv4Address address, std::string_view what = "") {
    PacketBuf packet = pool.copy(as_bytes(what));
    const Cache::Lookup found = cache.lookup(address, packet, now);
    EXPECT_EQ(static_cast<bool>(packet), found.next == Cache::Next::kSend) << "who waits is taken";
    return found;
  }
  std::string learn(Ipv4Address address, std::uint8_t from, bool to_us = true) {
    std::string all;
    if (cache.learn(address, mac(from), to_us, now)) {
      while (const PacketBuf waited = cache.take(address)) {
        all += (all.empty() ? "" : ", ") + std::string(as_text(waited.bytes()));
      }
    }
    return all.empty() ? "(nothing)" : all;
  }
  unsigned pass(Duration time) {
    now = now + time;
    unsigned requests = 0;
    cache.tick(now, [&](Ipv4Address) { ++requests; });
    return requests;
  }
};

TEST(ArpCache, AsksOnceKeepsPacketsAndGivesThemBackInOrderWithTheAnswer) {
  Cached test;
  const auto first = test.look(v4_address(2), "first");
  EXPECT_EQ(first.next, Cache::Next::kWait);
  EXPECT_TRUE(first.request);
  EXPECT_FALSE(test.look(v4_address(2), "second").request);
  EXPECT_EQ(test.cache.dropped(), 0u);
  EXPECT_EQ(test.learn(v4_address(2), 2), "first, second");
  EXPECT_EQ(test.learn(v4_address(2), 2), "(nothing)");
  const auto known = test.look(v4_address(2));
  EXPECT_EQ(known.next, Cache::Next::kSend);
  EXPECT_EQ(known.mac, mac(2));
  EXPECT_FALSE(known.request);
}

TEST(ArpCache, AsksEverySecondThreeTimesAndGivesUp) {
  Cached test;
  test.look(v4_address(2), "x");
  EXPECT_EQ(test.pass(milliseconds(999)), 0u);
  EXPECT_EQ(test.pass(milliseconds(1)), 1u);
  EXPECT_EQ(test.pass(milliseconds(999)), 0u);
  EXPECT_EQ(test.pass(milliseconds(1)), 1u);
  EXPECT_EQ(test.cache.size(), 1u);
  EXPECT_EQ(test.pass(seconds(1)), 0u);
  EXPECT_EQ(test.cache.size(), 0u);
  EXPECT_EQ(test.cache.dropped(), 1u);
  EXPECT_EQ(test.pool.available(), test.pool.count());
  EXPECT_TRUE(test.cache.next_deadline().is_never());
}

TEST(ArpCache, AnswersAreGoodForFiveMinutes) {
  Cached test;
  test.learn(v4_address(2), 2);
  EXPECT_EQ(test.cache.next_deadline(), test.now + Cache::kReachable);
  test.pass(Cache::kReachable - nanoseconds(1));
  EXPECT_EQ(test.cache.size(), 1u);
  test.pass(nanoseconds(1));
  EXPECT_EQ(test.cache.size(), 0u);
}

TEST(ArpCache, AnEndedEntryIsNotUsedEvenBeforeItIsTickedAway) {
  Cached test;
  test.learn(v4_address(2), 2);
  test.now = test.now + Cache::kReachable;
  const auto ended = test.look(v4_address(2), "x");
  EXPECT_EQ(ended.next, Cache::Next::kWait);
  EXPECT_TRUE(ended.request);
}

TEST(ArpCache, UseInTheLastHalfMinuteAsksAgainOnceASecond) {
  Cached test;
  test.learn(v4_address(2), 2);
  test.now = test.now + (Cache::kReachable - Cache::kRefresh);
  EXPECT_FALSE(test.look(v4_address(2)).request);
  test.now = test.now + nanoseconds(1);
  const auto refreshed = test.look(v4_address(2));
  EXPECT_EQ(refreshed.next, Cache::Next::kSend);
  EXPECT_TRUE(refreshed.request);
  EXPECT_FALSE(test.look(v4_address(2)).request);
  test.now = test.now + seconds(1);
  EXPECT_TRUE(test.look(v4_address(2)).request);
  test.learn(v4_address(2), 3);
  const auto answered = test.look(v4_address(2));
  EXPECT_FALSE(answered.request);
  EXPECT_EQ(answered.mac, mac(3));
}

TEST(ArpCache, OnlyWhatIsSentToUsMakesEntriesButKnownOnesFollowAllTalk) {
  Cached test;
  test.learn(v4_address(2), 2, false);
  EXPECT_EQ(test.cache.size(), 0u);
  test.learn(v4_address(2), 2, true);
  test.learn(v4_address(2), 5, false);
  EXPECT_EQ(test.look(v4_address(2)).mac, mac(5));
}

TEST(ArpCache, IsBoundedAndCountsTheWaitingPacketsThatItDrops) {
  Cached test;
  for (std::uint32_t i = 0; i < 500; ++i) test.look({0x0a000000 + i}, "x");
  EXPECT_LE(test.cache.size(), Cache::kEntries);
  EXPECT_GT(test.cache.size(), Cache::kEntries * 3 / 4)
      << "neighbouring addresses spread over the table";
  EXPECT_EQ(test.cache.dropped(), 500 - WaitingPackets::kPackets);
  EXPECT_EQ(test.pool.available() + WaitingPackets::kPackets, test.pool.count());
}

TEST(ArpCache, WhatIsAskedInVainGoesBeforeWhatIsKnown) {
  Cached test;
  for (std::uint8_t i = 1; i <= 16; ++i) test.learn(v4_address(i), i);
  for (std::uint32_t i = 0; i < 2000; ++i) test.look({0x0a010000 + i}, "x");
  unsigned known = 0;
  for (std::uint8_t i = 1; i <= 16; ++i)
    known += test.look(v4_address(i), "").next == Cache::Next::kSend ? 1 : 0;
  EXPECT_EQ(known, 16u);
}

}  // namespace
}  // namespace fata::ip::arp
