// The effect of a peer's SACKs on the records of outstanding data.
#include "fata/tcp/scoreboard.hpp"

#include <gtest/gtest.h>

#include <random>

namespace fata::tcp {
namespace {

constexpr Duration kRtt = milliseconds(10);

struct Board {
  // `packets` of `size` bytes in segments of `segment` bytes.
  explicit Board(std::uint32_t packets, std::uint32_t size, std::uint32_t segment = 0,
                 Memory* memory = nullptr)
      : board(memory) {
    for (std::uint32_t i = 0; i < packets && board.reserve(); ++i) {
      board.sent({next, next + size}, now, segment);
      next += size;
    }
  }
  std::uint32_t sack(Seq begin, Seq end) {
    Delivery out;
    board.sacked({begin, end}, now + kRtt, std::nullopt, kRtt, out);
    return out.bytes;
  }
  Scoreboard::Detection detect() { return board.detect(now + kRtt, kRtt, kRtt, 1000, false); }

  Instant now{1'000'000'000};
  Seq next = 0xffffe000;  // wraps
  Seq first = next;
  Scoreboard board;
};

TEST(Scoreboard, TakesAPartOfASegmentForNothing) {
  Board one(10, 1000);
  const Seq at = one.first;
  EXPECT_EQ(one.sack(at + 1001, at + 2000), 0U);
  EXPECT_EQ(one.sack(at + 1000, at + 1999), 0U);
  EXPECT_EQ(one.sack(at + 1500, at + 1501), 0U);
  EXPECT_EQ(one.board.records(), 10U);
  EXPECT_EQ(one.board.sacked(), 0U);
  EXPECT_EQ(one.sack(at + 500, at + 3500), 2000U);
  EXPECT_EQ(one.board.sacked(), 2000U);
  EXPECT_EQ(one.board.in_flight(), 8000U);
}

TEST(Scoreboard, KnowsTheSegmentsOfAPacketThatTheDeviceCut) {
  Board one(2, 4500, 1000);  // 1000, 1000, 1000, 1000, 500
  const Seq at = one.first;
  EXPECT_EQ(one.sack(at + 1, at + 1999), 0U);
  EXPECT_EQ(one.sack(at + 999, at + 3001), 2000U);
  EXPECT_EQ(one.board.records(), 4U);
  EXPECT_EQ(one.sack(at + 4000, at + 4500), 500U);
  EXPECT_EQ(one.sack(at + 3000, at + 4000), 1000U);
  EXPECT_EQ(one.board.records(), 3U) << "what has arrived is one record";
  // An ACK within a segment moves no boundary.
  Delivery out;
  one.board.acked(at + 4507, one.now + kRtt, std::nullopt, kRtt, out);
  EXPECT_EQ(one.sack(at + 5507, at + 6507), 0U);
  EXPECT_EQ(one.sack(at + 5500, at + 6500), 1000U);
}

TEST(Scoreboard, CountsTheSegmentsOfARetransmissionAnew) {
  Board one(4, 1000);
  const Seq at = one.first;
  one.board.mark_all_lost();
  EXPECT_EQ(one.board.lost(), 4000U);
  for (Seq part = 0; part < 4000; part += 400)
    one.board.retransmitted({at + part, at + part + 400}, one.now, 400);
  EXPECT_EQ(one.board.lost(), 0U);
  EXPECT_EQ(one.board.in_flight(), 4000U);
  EXPECT_EQ(one.sack(at + 400, at + 800), 400U);
  EXPECT_EQ(one.sack(at + 1200, at + 1600), 400U);
  EXPECT_EQ(one.sack(at + 1700, at + 1999), 0U);
}

// CVE-2019-11477 and similar: every other byte of 640 KB.
TEST(Scoreboard, GetsNoMoreRecordsByReportsOfEveryOtherByte) {
  for (const std::uint32_t segment : {0U, 1000U}) {
    Board one(40, 16000, segment);
    const std::uint32_t most = segment == 0 ? 40 : 40 * 16;
    for (Seq byte = 1; byte < 40 * 16000; byte += 2)
      (void)one.sack(one.first + byte, one.first + byte + 1);
    EXPECT_EQ(one.board.sacked(), 0U);
    EXPECT_EQ(one.board.records(), 40U);
    for (Seq at = 1000; at < 40 * 16000; at += 2000)
      (void)one.sack(one.first + at, one.first + at + 1000);
    EXPECT_LE(one.board.records(), most);
    EXPECT_EQ(one.board.sacked(), segment == 0 ? 0U : 320'000U);
  }
}

TEST(Scoreboard, DrawsItsRecordsFromTheBudget) {
  Memory memory(1 << 20, 0);
  {
    Board one(3000, 1000, 0, &memory);
    EXPECT_GE(memory.used(), 3000 * 24U);
    for (Seq at = 0; at < 3'000'000; at += 2000)
      EXPECT_EQ(one.sack(one.first + at, one.first + at + 1000), 1000U);
    EXPECT_LE(memory.used(), 8192 * 24U);
    one.board.clear();
    EXPECT_EQ(memory.used(), 0U);
  }
  // Lack of memory is reported by a return value.
  Memory little(1000, 0);
  Board one(1000, 1000, 100, &little);
  EXPECT_FALSE(one.board.reserve());
  const std::uint32_t records = one.board.records();
  EXPECT_EQ(records, 32U);
  EXPECT_EQ(one.sack(one.first + 100, one.first + 200), 0U)
      << "a report that needs a record is ignored";
  EXPECT_EQ(one.sack(one.first + 1000, one.first + 3000), 2000U) << "one that needs none is not";
  one.board.mark_all_lost();
  one.board.retransmitted({one.first + 300, one.first + 400}, one.now, 100);
  EXPECT_EQ(one.board.records(), records);
  one.board.clear();
  EXPECT_EQ(little.used(), 0U);
}

TEST(Scoreboard, HasABoundOfRecords) {
  Board one(Scoreboard::kMaxSent, 1000, 100);
  EXPECT_TRUE(one.board.full());
  for (Seq at = 100; at < Scoreboard::kMaxSent * 1000; at += 200)
    (void)one.sack(one.first + at, one.first + at + 100);
  EXPECT_EQ(one.board.records(), Scoreboard::kMax);
  one.board.mark_all_lost();
  for (Seq at = 0; at < 1'000'000; at += 150)
    one.board.retransmitted({one.first + at, one.first + at + 150}, one.now, 75);
  EXPECT_EQ(one.board.records(), Scoreboard::kMax);
}

TEST(Scoreboard, FindsLostWhatWasSentBeforeWhatArrived) {
  Board one(10, 1000);
  one.now = one.now + milliseconds(1);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(one.board.reserve());
    one.board.sent({one.next, one.next + 1000}, one.now, 1000);
    one.next += 1000;
  }
  EXPECT_EQ(one.sack(one.first + 12'000, one.first + 15'000), 3000U);
  // After three delivered segments, detection does not wait.
  EXPECT_EQ(one.detect().bytes, 12'000U);
  EXPECT_EQ(one.detect().bytes, 0U);
  EXPECT_EQ(one.sack(one.first + 19'000, one.first + 20'000), 1000U);
  EXPECT_EQ(one.detect().bytes, 4000U);
  // A retransmission older than another one that was delivered is lost too.
  one.board.retransmitted({one.first, one.first + 1000}, one.now + milliseconds(20), 1000);
  one.board.retransmitted({one.first + 1000, one.first + 2000}, one.now + milliseconds(30), 1000);
  one.now = one.now + milliseconds(40);
  EXPECT_EQ(one.detect().bytes, 0U);
  EXPECT_EQ(one.sack(one.first + 1000, one.first + 2000), 1000U);
  EXPECT_EQ(one.detect().bytes, 1000U);
  EXPECT_EQ(one.detect().bytes, 0U);
}

// SACKs in any order, compared with plain accounting per segment.
TEST(Scoreboard, AgreesWithAnAccountOfEverySegment) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const std::uint32_t segment = 1 + random() % 50;
    Board one(1 + random() % 20, segment * (1 + random() % 10), segment);
    const std::uint32_t all = one.next - one.first;
    std::vector<bool> arrived(all / segment);
    std::uint32_t una = 0;
    for (int step = 0; step < 60; ++step) {
      const std::uint32_t a = random() % all, b = a + random() % (all - a);
      if (random() % 8 == 0) {
        const std::uint32_t to = std::max(una, a / segment * segment);
        Delivery out;
        one.board.acked(one.first + to, one.now + kRtt, std::nullopt, kRtt, out);
        una = to;
      } else if (random() % 8 == 0) {
        (void)one.detect();
      } else {
        (void)one.sack(one.first + a, one.first + b);
        for (std::uint32_t i = 0; i < arrived.size(); ++i)
          if (i * segment >= a && (i + 1) * segment <= b) arrived[i] = true;
      }
      std::uint32_t sacked = 0;
      for (std::uint32_t i = 0; i < arrived.size(); ++i)
        if (arrived[i] && i * segment >= una) sacked += segment;
      ASSERT_EQ(one.board.sacked(), sacked) << round << " " << step;
      ASSERT_EQ(one.board.outstanding(), all - una);
      ASSERT_LE(one.board.lost() + one.board.sacked(), all - una);
      ASSERT_LE(one.board.records(), arrived.size());
    }
  }
}

}  // namespace
}  // namespace fata::tcp
