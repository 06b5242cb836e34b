#include "fata/wire/checksum.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace fata::wire {
namespace {

// Sixteen bits at a time, as in RFC 1071 section 4.1.
std::uint16_t naive(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<std::uint32_t>(bytes[i]);
    sum += i % 2 == 0 ? byte << 8 : byte;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(Checksum, IsTheOneOfTheRfcsExample) {
  // RFC 1071 section 3: the sum is ddf2.
  EXPECT_EQ(checksum(bytes_of({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7})),
            static_cast<std::uint16_t>(~0xddf2));
}

TEST(Checksum, OfNothingIsAllOnesAndAnOddByteCountsAsTheHighOne) {
  EXPECT_EQ(checksum({}), 0xffff);
  EXPECT_EQ(checksum(bytes_of({0x12})), static_cast<std::uint16_t>(~0x1200));
  EXPECT_EQ(checksum(bytes_of({0xff, 0xff, 0xff})), static_cast<std::uint16_t>(~0xff00));
  EXPECT_EQ(checksum(std::vector<std::byte>(65535, std::byte{0xff})),
            naive(std::vector<std::byte>(65535, std::byte{0xff})));
}

TEST(Checksum, AgreesWithSixteenBitsAtATimeOnAnyBytes) {
  std::mt19937 random(1);
  for (unsigned round = 0; round < 3000; ++round) {
    std::vector<std::byte> bytes(random() % (round % 10 == 0 ? 2000 : 40));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(round % 3 == 0 ? 0xff : random());
    ASSERT_EQ(checksum(bytes), naive(bytes)) << bytes.size();
  }
}

TEST(Checksum, MayBeAddedUpInEvenPieces) {
  std::mt19937 random(2);
  for (unsigned round = 0; round < 1000; ++round) {
    std::vector<std::byte> bytes(random() % 200);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    ChecksumSum sum;
    for (Bytes left(bytes); !left.empty();) {
      const std::size_t piece = std::min<std::size_t>(left.size(), random() % 10 * 2);
      sum.add(left.first(piece));
      left = left.subspan(piece);
    }
    ASSERT_EQ(sum.finish(), naive(bytes));
  }
}

TEST(Checksum, OverDataWithItsOwnChecksumIsZero) {
  auto bytes = bytes_of({0x45, 0, 0, 20, 1, 2, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2});
  store_be(MutableBytes(bytes).subspan(10), checksum(bytes));
  EXPECT_EQ(checksum(bytes), 0);
}

TEST(Checksum, LeftToADeviceIsFinishedFromWhereTheMetadataSay) {
  auto frame = bytes_of({9, 9, 9, 0x12, 0x34, 0, 0, 0x56, 0x78, 0x9a});
  const auto before = frame;
  finish_checksum(frame, {});
  EXPECT_EQ(frame, before);
  finish_checksum(frame, {.checksum_needed = true, .checksum_start = 3, .checksum_offset = 2});
  EXPECT_EQ(load_be<std::uint16_t>(Bytes(frame).subspan(5)), naive(Bytes(before).subspan(3)));
  // A sum of 0 is sent as ffff (RFC 768).
  frame = bytes_of({0xff, 0xff, 0, 0});
  finish_checksum(frame, {.checksum_needed = true, .checksum_start = 0, .checksum_offset = 2});
  EXPECT_EQ(frame, bytes_of({0xff, 0xff, 0xff, 0xff}));
}

}  // namespace
}  // namespace fata::wire
