#include "fata/base/bytes.hpp"

#include <gtest/gtest.h>

#include <array>

namespace fata {
namespace {

template <class... B>
std::array<std::byte, sizeof...(B)> bytes(B... b) {
  return {static_cast<std::byte>(b)...};
}

TEST(ByteReader, ReadsIntegersInNetworkOrder) {
  const auto data = bytes(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07);
  ByteReader in(data);
  EXPECT_EQ(in.u8(), 0x01);
  EXPECT_EQ(in.u16(), 0x0203);
  EXPECT_EQ(in.u32(), 0x04050607U);
  EXPECT_TRUE(in.ok());
  EXPECT_TRUE(in.at_end());
}

TEST(ByteReader, StaysFailedAfterReadingPastTheEnd) {
  const auto data = bytes(0xff, 0xff, 0xff);
  ByteReader in(data);
  EXPECT_EQ(in.u32(), 0U);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0U) << "there is a byte, but a failed reader gives none";
  EXPECT_EQ(in.position(), 0U);
}

TEST(ByteReader, TakesAtMostWhatIsThere) {
  const auto data = bytes(1, 2, 3);
  ByteReader in(data);
  EXPECT_EQ(in.take(2).size(), 2U);
  EXPECT_TRUE(in.take(2).empty());
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, SeeksInsideAndRefusesOutside) {
  const auto data = bytes(1, 2, 3);
  ByteReader in(data);
  in.seek(3);
  EXPECT_TRUE(in.ok());
  in.seek(4);
  EXPECT_FALSE(in.ok());
}

TEST(ByteWriter, WritesNothingThatDoesNotFitWhole) {
  std::array<std::byte, 3> memory{};
  ByteWriter out(memory);
  out.u16(0xabcd);
  out.u16(0xffff);
  EXPECT_FALSE(out.ok());
  EXPECT_EQ(out.position(), 2U);
  EXPECT_EQ(memory[2], std::byte{0});
  out.u8(1);
  EXPECT_EQ(out.position(), 2U) << "a failed writer stays failed";
  out.rewind(0);
  out.u8(7);
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(memory[0], std::byte{7});
}

TEST(ByteWriter, PatchesOnlyWhatWasWritten) {
  std::array<std::byte, 8> memory{};
  ByteWriter out(memory);
  out.zeros(4);
  out.patch_u16(2, 0x1234);
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(load_be<std::uint16_t>(out.written().subspan(2)), 0x1234);
  out.patch_u16(3, 1);
  EXPECT_FALSE(out.ok());
}

TEST(Loads, AgreeWithTheByteOrderTheyName) {
  const auto data = bytes(0x11, 0x22, 0x33, 0x44);
  EXPECT_EQ(load_be<std::uint32_t>(data), 0x11223344U);
  EXPECT_EQ(load_le<std::uint32_t>(data), 0x44332211U);
  std::array<std::byte, 4> out{};
  store_le(out, std::uint32_t{0x44332211});
  EXPECT_EQ(out, data);
}

}  // namespace
}  // namespace fata
