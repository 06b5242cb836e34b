#include <gtest/gtest.h>

#include "fata/base/pool.hpp"

namespace fata {
namespace {

Slice slice(BufferPool& pool, std::string_view text) { return Slice(pool.copy(as_bytes(text))); }

std::string text(const Fragments& fragments) {
  std::string all;
  for (const Slice& piece : fragments.pieces()) all += piece.text();
  return all;
}

TEST(Fragments, KeepTheirPiecesInOrderAndSendThemHome) {
  BufferPool pool(4, 64);
  {
    Fragments fragments;
    EXPECT_TRUE(fragments.empty());
    fragments.push(slice(pool, "one"));
    fragments.push(Slice());
    fragments.push(slice(pool, "two"));
    EXPECT_EQ(fragments.bytes(), 6U);
    EXPECT_EQ(fragments.pieces().size(), 2U) << "empty pieces are not kept";
    const Fragments moved = std::move(fragments);
    EXPECT_EQ(text(moved), "onetwo");
    EXPECT_EQ(pool.available(), 2U);
  }
  EXPECT_EQ(pool.available(), 4U);
}

TEST(Fragments, AreShortenedWithinAPieceAndAcrossPieces) {
  BufferPool pool(4, 64);
  Fragments fragments;
  for (const char* piece : {"abc", "def", "ghi"}) fragments.push(slice(pool, piece));
  fragments.truncate(8);
  EXPECT_EQ(text(fragments), "abcdefgh");
  fragments.truncate(3);
  EXPECT_EQ(text(fragments), "abc");
  EXPECT_EQ(fragments.bytes(), 3U);
  EXPECT_EQ(pool.available(), 3U);
  fragments.truncate(0);
  EXPECT_TRUE(fragments.empty());
}

TEST(Fragments, OfAPacketGoHomeWithIt) {
  BufferPool pool(4, 64);
  PacketBuf packet = pool.copy(as_bytes("head"), 8);
  packet.fragments().push(slice(pool, "payload"));
  EXPECT_EQ(packet.size(), 4U);
  EXPECT_EQ(packet.total_size(), 11U);
  PacketBuf other = std::move(packet);
  EXPECT_EQ(other.total_size(), 11U);
  other.reset();
  EXPECT_TRUE(other.fragments().empty());
  EXPECT_EQ(pool.available(), 4U);
}

TEST(Fragments, SayWhenTheyAreFull) {
  BufferPool pool(1, 64);
  const Slice piece = slice(pool, "x");
  Fragments fragments;
  for (std::size_t i = 0; i < Fragments::kMost; ++i) {
    EXPECT_FALSE(fragments.full());
    fragments.push(piece);
  }
  EXPECT_TRUE(fragments.full());
}

}  // namespace
}  // namespace fata
