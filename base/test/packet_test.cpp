#include "fata/base/packet.hpp"

#include <gtest/gtest.h>

#include "fata/base/pool.hpp"

namespace fata {
namespace {

TEST(BufferPool, GivesEveryBufferOnceThenRefuses) {
  BufferPool pool(2, 100);
  EXPECT_EQ(pool.buffer_size(), 128U);
  PacketBuf a = pool.allocate();
  PacketBuf b = pool.allocate();
  EXPECT_FALSE(pool.allocate());
  EXPECT_EQ(pool.refusals(), 1U);
  a.reset();
  EXPECT_TRUE(pool.allocate()) << "what came home is given again";
}

TEST(BufferPool, CopiesWhatFitsAndRefusesMore) {
  BufferPool pool(1, 64);
  const std::string text(60, 'x');
  EXPECT_FALSE(pool.copy(as_bytes(text), 8));
  PacketBuf packet = pool.copy(as_bytes(text), 4);
  ASSERT_TRUE(packet);
  EXPECT_EQ(as_text(packet.bytes()), text);
  EXPECT_EQ(packet.headroom(), 4U);
}

TEST(PacketBuf, GrowsAtBothEndsInPlace) {
  BufferPool pool(1, 64);
  PacketBuf packet = pool.allocate(16);
  copy_bytes(packet.append(4), as_bytes("body"));
  copy_bytes(packet.prepend(5), as_bytes("head "));
  EXPECT_EQ(as_text(packet.bytes()), "head body");
  EXPECT_EQ(packet.headroom(), 11U);
  packet.trim_front(5);
  packet.truncate(2);
  EXPECT_EQ(as_text(packet.bytes()), "bo");
}

TEST(PacketBufDeathTest, PanicsWithoutHeadroom) {
  BufferPool pool(1, 64);
  PacketBuf packet = pool.allocate(4);
  EXPECT_DEATH((void)packet.prepend(5), "no headroom");
}

TEST(Slice, SendsTheBufferHomeWithItsLastHolder) {
  BufferPool pool(1, 64);
  PacketBuf packet = pool.copy(as_bytes("hello world"));
  Slice whole(std::move(packet));
  Slice part = whole.part(6, 5);
  EXPECT_EQ(part.text(), "world");
  EXPECT_EQ(part.footprint(), 64U);
  whole = {};
  EXPECT_EQ(pool.available(), 0U);
  part = {};
  EXPECT_EQ(pool.available(), 1U);
}

TEST(Slice, BecomesWritableForItsSoleHolderOnly) {
  BufferPool pool(1, 64);
  Slice slice(pool.copy(as_bytes("abc")));
  Slice other = slice;
  EXPECT_FALSE(std::move(slice).into_packet());
  EXPECT_EQ(slice.text(), "abc") << "a refused slice is unharmed";
  other = {};
  std::optional<PacketBuf> packet = std::move(slice).into_packet();
  ASSERT_TRUE(packet);
  EXPECT_EQ(as_text(packet->bytes()), "abc");
}

}  // namespace
}  // namespace fata
