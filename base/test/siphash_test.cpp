#include "fata/base/siphash.hpp"

#include <gtest/gtest.h>

#include <array>

namespace fata {
namespace {

// Key 00 01 .. 0f and messages 00, 00 01, ...: the vectors of the reference implementation and of
// the paper's appendix A.
struct Reference {
  std::array<std::byte, 64> bytes{};
  SipKey key;
  Reference() {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
    key = SipKey::of(std::span(bytes).first<16>());
  }
  std::uint64_t of(std::size_t length) const { return siphash(key, Bytes(bytes).first(length)); }
};

TEST(SipHash, GivesTheReferenceVectors) {
  const Reference reference;
  constexpr std::array<std::uint64_t, 16> kVectors{
      0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
      0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
      0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
      0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5};
  for (std::size_t length = 0; length < kVectors.size(); ++length)
    EXPECT_EQ(reference.of(length), kVectors[length]);
  EXPECT_EQ(reference.of(63), 0x958a324ceb064572u);
}

TEST(SipHash, OverWordsIsTheHashOfTheirLittleEndianBytes) {
  const Reference reference;
  std::array<std::uint64_t, 8> words;
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = load_le<std::uint64_t>(Bytes(reference.bytes).subspan(8 * i));
  for (std::size_t count = 0; count <= words.size(); ++count) {
    EXPECT_EQ(siphash(reference.key, std::span<const std::uint64_t>(words).first(count)),
              reference.of(8 * count));
  }
}

TEST(SipHash, DependsOnEachByteOfTheKey) {
  const Reference reference;
  for (std::size_t i = 0; i < 16; ++i) {
    std::array<std::byte, 16> other;
    copy_bytes(other, Bytes(reference.bytes).first<16>());
    other[i] ^= std::byte{1};
    EXPECT_NE(siphash(SipKey::of(other), as_bytes("x")), siphash(reference.key, as_bytes("x")))
        << i;
  }
}

}  // namespace
}  // namespace fata
