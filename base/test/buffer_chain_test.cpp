#include <gtest/gtest.h>

#include "fata/base/pool.hpp"

namespace fata {
namespace {

Slice slice(BufferPool& pool, std::string_view text) { return Slice(pool.copy(as_bytes(text))); }

std::string text(const BufferChain& chain) {
  std::string all;
  for (const Slice& piece : chain.pieces()) all += piece.text();
  return all;
}

TEST(BufferChain, KeepTheirPiecesInOrderAndSendThemHome) {
  BufferPool pool(4, 64);
  {
    BufferChain chain;
    EXPECT_TRUE(chain.empty());
    chain.push(slice(pool, "one"));
    chain.push(Slice());
    chain.push(slice(pool, "two"));
    EXPECT_EQ(chain.bytes(), 6U);
    EXPECT_EQ(chain.pieces().size(), 2U) << "empty pieces are not kept";
    const BufferChain moved = std::move(chain);
    EXPECT_EQ(text(moved), "onetwo");
    EXPECT_EQ(pool.available(), 2U);
  }
  EXPECT_EQ(pool.available(), 4U);
}

TEST(BufferChain, AreShortenedWithinAPieceAndAcrossPieces) {
  BufferPool pool(4, 64);
  BufferChain chain;
  for (const char* piece : {"abc", "def", "ghi"}) chain.push(slice(pool, piece));
  chain.truncate(8);
  EXPECT_EQ(text(chain), "abcdefgh");
  chain.truncate(3);
  EXPECT_EQ(text(chain), "abc");
  EXPECT_EQ(chain.bytes(), 3U);
  EXPECT_EQ(pool.available(), 3U);
  chain.truncate(0);
  EXPECT_TRUE(chain.empty());
}

TEST(BufferChain, OfAPacketGoHomeWithIt) {
  BufferPool pool(4, 64);
  PacketBuf packet = pool.copy(as_bytes("head"), 8);
  packet.chain().push(slice(pool, "payload"));
  EXPECT_EQ(packet.size(), 4U);
  EXPECT_EQ(packet.total_size(), 11U);
  PacketBuf other = std::move(packet);
  EXPECT_EQ(other.total_size(), 11U);
  other.reset();
  EXPECT_TRUE(other.chain().empty());
  EXPECT_EQ(pool.available(), 4U);
}

TEST(BufferChain, SayWhenTheyAreFull) {
  BufferPool pool(1, 64);
  const Slice piece = slice(pool, "x");
  BufferChain chain;
  for (std::size_t i = 0; i < BufferChain::kMax; ++i) {
    EXPECT_FALSE(chain.full());
    chain.push(piece);
  }
  EXPECT_TRUE(chain.full());
}

}  // namespace
}  // namespace fata
