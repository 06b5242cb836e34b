#include "fata/dns/stream_reader.hpp"

#include <gtest/gtest.h>

#include <random>

#include "fata/base/pool.hpp"

namespace fata::dns {
namespace {

std::string framed(std::string_view message) {
  return std::string{static_cast<char>(message.size() >> 8), static_cast<char>(message.size() & 0xff)} +
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
    StreamReader reader;
    std::vector<std::string> found;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t count = std::min(stream.size() - at, 1 + random() % most);
      reader.push(Slice(pool.copy(as_bytes(std::string_view(stream).substr(at, count)))));
      at += count;
      Bytes message;
      while (reader.next(message)) found.emplace_back(as_text(message));
    }
    EXPECT_EQ(found, messages) << "in slices of up to " << most;
    EXPECT_TRUE(reader.at_boundary());
  }
}

TEST(StreamReader, KnowsThatAMessageIsUnfinished) {
  BufferPool pool(4, 64);
  StreamReader reader;
  Bytes message;
  reader.push(Slice(pool.copy(as_bytes(std::string_view("\0\3ab", 4)))));
  EXPECT_FALSE(reader.next(message));
  EXPECT_FALSE(reader.at_boundary());
}

}  // namespace
}  // namespace fata::dns
