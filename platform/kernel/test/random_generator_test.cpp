#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "fata/kernel/entropy.hpp"

namespace fata::kernel {
namespace {

std::vector<std::byte> bytes(RandomGenerator& generator, std::size_t count) {
  std::vector<std::byte> out(count);
  generator.fill(out);
  return out;
}

TEST(ChaCha20, the_block_function_gives_the_vector_of_rfc_8439_section_2_3_2) {
  std::array<std::uint32_t, 8> key;
  for (std::uint32_t i = 0; i < 8; ++i) key[i] = 0x03020100 + 0x04040404 * i;
  std::array<std::uint32_t, 16> block;
  chacha20_block(key, 1, {0x09000000, 0x4a000000, 0}, block);
  const std::array<std::uint32_t, 16> expected{0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
                                               0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
                                               0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
                                               0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
  EXPECT_EQ(block, expected);
}

TEST(RandomGenerator, it_is_seeded_by_32_credited_bytes_and_not_by_guessable_ones) {
  RandomGenerator generator;
  std::array<std::byte, 16> some{};
  for (int i = 0; i < 100; ++i) generator.add(some, 0);
  EXPECT_FALSE(generator.is_seeded());
  generator.add(some, 16);
  EXPECT_FALSE(generator.is_seeded());
  generator.add(some, 16);
  EXPECT_TRUE(generator.is_seeded());
}

TEST(RandomGenerator, the_same_seed_gives_the_same_bytes_however_they_are_asked_for) {
  const std::array<std::byte, 32> seed{std::byte{1}};
  RandomGenerator a, b;
  a.add(seed, 32);
  b.add(seed, 32);
  const auto whole = bytes(a, 1000);
  std::vector<std::byte> parts;
  for (std::size_t n = 0; parts.size() < 1000; ++n) {
    const auto part = bytes(b, std::min<std::size_t>(n, 1000 - parts.size()));
    parts.insert(parts.end(), part.begin(), part.end());
  }
  EXPECT_EQ(whole, parts);
}

TEST(RandomGenerator, one_changed_bit_of_the_seed_changes_all_output) {
  std::array<std::byte, 32> seed{};
  RandomGenerator a, b;
  a.add(seed, 32);
  seed[31] = std::byte{1};
  b.add(seed, 32);
  const auto x = bytes(a, 4096), y = bytes(b, 4096);
  std::size_t equal = 0;
  for (std::size_t i = 0; i < x.size(); ++i) equal += x[i] == y[i];
  EXPECT_LT(equal, 64U);  // about one in 256 by chance
}

TEST(RandomGenerator, output_does_not_repeat_across_refills) {
  RandomGenerator generator;
  generator.add(std::array<std::byte, 32>{}, 32);
  std::set<std::vector<std::byte>> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(bytes(generator, 16)).second);
}

TEST(RandomGenerator, what_was_served_is_no_longer_in_its_memory) {
  RandomGenerator generator;
  generator.add(std::array<std::byte, 32>{}, 32);
  const auto served = bytes(generator, 48);
  const auto* const begin = reinterpret_cast<const std::byte*>(&generator);
  EXPECT_EQ(std::search(begin, begin + sizeof(generator), served.begin(), served.begin() + 16),
            begin + sizeof(generator));
}

TEST(RandomGenerator, a_cpu_whose_generator_is_stuck_counts_for_nothing) {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  EXPECT_EQ(cpu_entropy(std::array<std::uint64_t, 4>{1, 2, 3, 1}), 32U);
  EXPECT_EQ(cpu_entropy(std::array<std::uint64_t, 4>{kOnes, kOnes, kOnes, kOnes}), 0U);
  EXPECT_EQ(cpu_entropy(std::array<std::uint64_t, 4>{1, 2, kOnes, kOnes}), 0U);
}

}  // namespace
}  // namespace fata::kernel
