#include "pack.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libdeflate.h>

#include <array>
#include <cstring>
#include <memory>
#include <random>

#include "inflate.hpp"
#include "packed.hpp"

namespace fata::pack {
namespace {

constexpr std::uint32_t kBase = 0x100180;
constexpr std::uint32_t kZeros = 0x20000;

// Bytes that resemble code: a few byte values are frequent, a few functions are called often, and
// sequences repeat.
Bytes like_code(std::size_t size) {
  std::mt19937 random(1);
  Bytes bytes;
  while (bytes.size() < size) {
    if (random() % 16 == 0) {
      const std::uint32_t to = random() % 64 * 512;
      const auto distance = to - static_cast<std::uint32_t>(bytes.size());
      bytes.push_back(0xe8);
      for (int shift = 0; shift < 32; shift += 8)
        bytes.push_back(static_cast<std::uint8_t>(distance >> shift));
    }
    if (bytes.size() > 300 && random() % 32 == 0) {
      const std::size_t from = random() % (bytes.size() - 299);
      for (std::size_t i = 0, n = random() % 300; i < n; ++i) bytes.push_back(bytes[from + i]);
    }
    bytes.push_back(static_cast<std::uint8_t>(random() % 8 == 0 ? random() : random() % 12));
  }
  bytes.resize(size);
  return bytes;
}

Kernel kernel_of(Bytes bytes) {
  Kernel kernel{.begin = kBase, .bytes = std::move(bytes), .entry = kBase};
  kernel.code_size = static_cast<std::uint32_t>(kernel.bytes.size() / 2);
  kernel.memory_end = kBase + static_cast<std::uint32_t>(kernel.bytes.size()) + kZeros;
  return kernel;
}

Bytes inflated(const Bytes& bytes, int level) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(level), libdeflate_free_compressor);
  Bytes packed(libdeflate_deflate_compress_bound(compressor.get(), bytes.size()) + 8);
  libdeflate_deflate_compress(compressor.get(), bytes.data(), bytes.size(), packed.data(),
                              packed.size());
  Bytes out(bytes.size() + 4);
  const auto scratch = std::make_unique<unpack::Scratch>();
  const std::uint8_t* const end = unpack::inflate(packed.data(), out.data(), *scratch);
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

unpack::Header header_of(const Bytes& file) {
  unpack::Header header;
  std::memcpy(&header, file.data() + unpack::kHeaderPlace, sizeof header);
  return header;
}

TEST(Inflate, GivesBackWhatAnyLevelPacked) {
  std::mt19937 random(2);
  Bytes noise(70'000);
  for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
  const Bytes samples[]{{}, {7}, {1, 2, 3}, Bytes(70'000, 5), noise, like_code(100'000)};
  for (const Bytes& sample : samples) {
    for (const int level : {0, 1, 6, 12})
      EXPECT_EQ(inflated(sample, level), sample) << sample.size() << ' ' << level;
  }
}

TEST(Inflate, CopiesFromEveryDistanceInEveryLength) {
  for (std::size_t distance = 1; distance < 40; ++distance) {
    Bytes bytes;
    for (std::size_t length = 3; length < 300; length += 7) {
      for (std::size_t i = 0; i < distance; ++i)
        bytes.push_back(static_cast<std::uint8_t>(length * 31 + i * 17));
      for (std::size_t i = 0; i < length; ++i) bytes.push_back(bytes[bytes.size() - distance]);
    }
    EXPECT_EQ(inflated(bytes, 12), bytes) << distance;
  }
}

TEST(Addresses, AreMappedBackWhateverFollowsTheOpcode) {
  std::mt19937 random(3);
  for (unsigned round = 0; round < 2000; ++round) {
    Bytes bytes(random() % 80 + 1);
    for (auto& byte : bytes)
      byte = std::array<std::uint8_t, 7>{0xe8, 0x88, 0x8f, 0x05, 0, 0xff, 60}[random() % 7];
    Bytes mapped = bytes;
    const auto code_size = static_cast<std::uint32_t>(bytes.size() - 1);
    unpack::map_addresses<true>(mapped.data(), code_size, code_size + 40);
    unpack::map_addresses<false>(mapped.data(), code_size, code_size + 40);
    ASSERT_EQ(mapped, bytes);
  }
}

TEST(Addresses, OfOneFunctionBecomeAlikeInCalls) {
  Bytes bytes(64, 0x90);
  for (const std::uint8_t at : {0, 20, 40}) {
    bytes[at] = 0xe8;
    unpack::store32(&bytes[at + 1], std::uint32_t{50} - at);
  }
  unpack::map_addresses<true>(bytes.data(), 64, 64);
  for (const int at : {0, 20, 40})
    EXPECT_EQ(unpack::load32(&bytes[static_cast<std::size_t>(at) + 1]), 51U);
}

TEST(Addresses, RelativeToTheInstructionPointerBecomeAlike) {
  constexpr std::uint8_t kLoad = 0x8b, kAddress = 0x8d, kAx = 0x05, kR15 = 0x3d;
  Bytes bytes(64, 0x90);
  for (const std::uint8_t at : {0, 20, 40}) {
    bytes[at] = at == 0 ? kLoad : kAddress;
    bytes[at + std::size_t{1}] = at == 20 ? kR15 : kAx;
    unpack::store32(&bytes[at + std::size_t{2}], std::uint32_t{50} - at);
  }
  unpack::map_addresses<true>(bytes.data(), 64, 64);
  for (const std::size_t at : {0, 20, 40}) EXPECT_EQ(unpack::load32(&bytes[at + 2]), 52U);
}

TEST(Addresses, OthersStay) {
  Bytes bytes{0x8b, 0x45, 1, 0, 0, 0, 0, 0x8d, 0x85, 2, 0, 0, 0, 0x87, 0x05, 3, 0, 0, 0, 0, 0};
  const Bytes before = bytes;
  unpack::map_addresses<true>(bytes.data(), 21, 100);
  EXPECT_EQ(bytes, before);
}

TEST(Pack, ThePackedFileIsAKernelThatNeedsRoomForBoth) {
  const Kernel kernel = kernel_of(like_code(200'000));
  const Bytes file = pack(kernel);
  EXPECT_LT(file.size(), kernel.bytes.size());
  const Kernel packed = read_kernel(file);
  const unpack::Header header = header_of(file);
  EXPECT_EQ(packed.begin, unpack::kLoadBase);
  EXPECT_EQ(packed.memory_end, header.end);
  EXPECT_EQ(packed.entry, unpack::kLoadBase + unpack::kHeaderPlace + sizeof header);
  EXPECT_EQ(header.entry, kernel.entry);
  EXPECT_GE(header.place, kernel.memory_end);
  EXPECT_GT(header.end, header.place + header.words * 4);
}

TEST(Pack, AnyFlippedBitShowsInTheChecksum) {
  const Bytes file = pack(kernel_of(like_code(20'000)));
  const auto sum = [](const Bytes& bytes) {
    std::vector<std::uint32_t> words(header_of(bytes).words);
    std::memcpy(words.data(), bytes.data() + unpack::kHeaderPlace + 4, words.size() * 4);
    return unpack::checksum(words.data(), static_cast<std::uint32_t>(words.size()));
  };
  EXPECT_EQ(sum(file), header_of(file).checksum);
  for (std::size_t i = unpack::kHeaderPlace + 8; i < file.size(); i += 13) {
    Bytes damaged = file;
    damaged[i] ^= static_cast<std::uint8_t>(1U << i % 8);
    EXPECT_NE(sum(damaged), header_of(file).checksum) << i;
  }
}

TEST(Pack, WhatDoesNotBecomeSmallerIsLeft) {
  std::mt19937 random(4);
  Bytes noise(50'000);
  for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
  EXPECT_THROW(pack(kernel_of(noise)), DoesNotPay);
  EXPECT_THROW(pack(kernel_of(like_code(1'000))), DoesNotPay);
}

TEST(Pack, RefusesWhatIsNoKernel) {
  EXPECT_THROW(read_kernel({}), Unsuitable);
  EXPECT_THROW(read_kernel(Bytes(1000, 0x7f)), Unsuitable);
  const Bytes file = pack(kernel_of(like_code(20'000)));
  for (std::size_t size = 0; size < unpack::kHeaderPlace; size += 8) {
    EXPECT_THROW(read_kernel(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))),
                 Unsuitable)
        << size;
  }
  Bytes no_note = file;
  no_note[sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr)] = PT_NULL;
  EXPECT_THROW(read_kernel(no_note), Unsuitable);
}

}  // namespace
}  // namespace fata::pack
