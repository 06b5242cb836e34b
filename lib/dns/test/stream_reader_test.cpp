#include "fata/dns/stream_reader.hpp"

#include <gtest/gtest.h>

#include <random>

#include "fata/base/pool.hpp"

namespace fata::dns {
namespace {

std::string framed(std::string_view message) {
  return std::string{static_cast<char>(message.size() >> 8),
                     static_cast<char>(message.size() & 0xff)} +
         std::string(message);
}

TEST(StreamReader, FindsTheSameMessagesHoweverTheBytesCome) {
  std::mt19937 random(11);
  std::vector<std::string> messages;
  std::string stream;
  for (int i = 0; i < 200; ++i) {
    messages.emplace_back(random() % 700, static_cast<char>('a' + i % 26));
    stream += framed(messages.back());
  }
  for (std::size_t most : {1, 2, 3, 50, 1000, 4000}) {
    BufferPool pool(4, 4096);
    GatherBudget budget(700 + 2 - StreamReader::kOwn);
    StreamReader reader(&budget, 700);
    std::vector<std::string> found;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t count = std::min(stream.size() - at, 1 + random() % most);
      reader.push(Slice(pool.copy(as_bytes(std::string_view(stream).substr(at, count)))));
      at += count;
      Bytes message;
      while (reader.next(message) == Gathered::kMessage) found.emplace_back(as_text(message));
    }
    EXPECT_EQ(found, messages) << "in slices of up to " << most;
    EXPECT_TRUE(reader.at_boundary());
  }
}

TEST(StreamReader, KnowsThatAMessageIsUnfinished) {
  BufferPool pool(4, 64);
  GatherBudget budget(0);
  StreamReader reader(&budget, 4096);
  Bytes message;
  reader.push(Slice(pool.copy(as_bytes(std::string_view("\0\3ab", 4)))));
  EXPECT_EQ(reader.next(message), Gathered::kNothing);
  EXPECT_FALSE(reader.at_boundary());
}

struct StreamReaderBounds : testing::Test {
  Gathered feed(StreamReader& reader, std::string_view octets) {
    Bytes message;
    reader.push(Slice(pool.copy(as_bytes(octets))));
    return reader.next(message);
  }
  static std::string part(std::size_t promised, std::size_t come) {
    return framed(std::string(promised, 'q')).substr(0, 2 + come);
  }
  BufferPool pool{4, 8192};
};

TEST_F(StreamReaderBounds, WhatIsPromisedButDidNotComeCostsNothing) {
  GatherBudget budget(1 << 20);
  StreamReader reader(&budget, 65535);
  EXPECT_EQ(feed(reader, part(65535, 1)), Gathered::kNothing);
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_EQ(feed(reader, std::string(4096, 'q')), Gathered::kNothing);
  EXPECT_GE(budget.used(), 4099 - StreamReader::kOwn);
  EXPECT_LE(budget.used(), 2 * 4099U);
}

TEST_F(StreamReaderBounds, AMessageThatIsTooLongIsRefusedByItsLength) {
  for (const std::size_t length : {101U, 4096U, 65535U}) {
    for (const std::size_t first : {1U, 2U, 3U}) {
      GatherBudget budget(0);
      StreamReader reader(&budget, 100);
      const std::string octets = part(length, 1);
      Gathered found = feed(reader, octets.substr(0, first));
      if (first == 1) {
        EXPECT_EQ(found, Gathered::kNothing);
        found = feed(reader, octets.substr(1));
      }
      EXPECT_EQ(found, Gathered::kTooLong) << length << ", first " << first;
    }
  }
  GatherBudget budget(0);
  StreamReader reader(&budget, 100);
  EXPECT_EQ(feed(reader, part(100, 100)), Gathered::kMessage) << "the longest";
}

TEST_F(StreamReaderBounds, WithoutABudgetMessagesThatComeWholeAndShortOnesStillPass) {
  GatherBudget budget(0);
  StreamReader whole(&budget, 4096), pieces(&budget, 4096), refused(&budget, 4096);
  EXPECT_EQ(feed(whole, part(4096, 4096)), Gathered::kMessage);
  EXPECT_EQ(feed(pieces, part(512, 500)), Gathered::kNothing);
  EXPECT_EQ(feed(pieces, std::string(12, 'q')), Gathered::kMessage);
  EXPECT_EQ(feed(refused, part(4096, 513)), Gathered::kNoRoom);
}

TEST_F(StreamReaderBounds, TheBudgetIsOfAllStreamsAndGoesBackWithTheMessageOrTheStream) {
  GatherBudget budget(4000);
  StreamReader first(&budget, 4096);
  {
    StreamReader second(&budget, 4096);
    EXPECT_EQ(feed(first, part(4096, 3000)), Gathered::kNothing);
    EXPECT_EQ(feed(second, part(4096, 3000)), Gathered::kNoRoom);
    EXPECT_EQ(feed(first, std::string(1096, 'q')), Gathered::kMessage);
    EXPECT_GT(budget.used(), 0U);
    Bytes message;
    EXPECT_EQ(first.next(message), Gathered::kNothing);
    EXPECT_EQ(budget.used(), 0U);
    StreamReader third(&budget, 4096);
    EXPECT_EQ(feed(third, part(4096, 3000)), Gathered::kNothing);
    EXPECT_GT(budget.used(), 0U);
  }
  EXPECT_EQ(budget.used(), 0U) << "of a stream that ended";
}

}  // namespace
}  // namespace fata::dns
