#include <algorithm>
#include <bit>
#include <cstring>

#include "fata/kernel/entropy.hpp"

namespace fata::kernel {
namespace {
void quarter_round(std::array<std::uint32_t, 16>& s, unsigned a, unsigned b, unsigned c,
                   unsigned d) {
  s[a] += s[b], s[d] = std::rotl(s[d] ^ s[a], 16);
  s[c] += s[d], s[b] = std::rotl(s[b] ^ s[c], 12);
  s[a] += s[b], s[d] = std::rotl(s[d] ^ s[a], 8);
  s[c] += s[d], s[b] = std::rotl(s[b] ^ s[c], 7);
}
}  // namespace

void chacha20_block(const std::array<std::uint32_t, 8>& key, std::uint32_t counter,
                    const std::array<std::uint32_t, 3>& nonce, std::array<std::uint32_t, 16>& out) {
  std::array<std::uint32_t, 16> start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  std::copy(key.begin(), key.end(), start.begin() + 4);
  start[12] = counter;
  std::copy(nonce.begin(), nonce.end(), start.begin() + 13);
  out = start;
  // Four columns, then four diagonals.
  for (unsigned round = 0; round < 20; ++round) {
    const unsigned turn = round % 2;
    for (unsigned i = 0; i < 4; ++i)
      quarter_round(out, i, 4 + (i + turn) % 4, 8 + (i + 2 * turn) % 4, 12 + (i + 3 * turn) % 4);
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += start[i];
}

void RandomGenerator::add(std::span<const std::byte> bytes, std::size_t credited) {
  credited_ = std::min(credited_ + credited, kEnough);
  while (!bytes.empty()) {
    std::array<std::uint32_t, 8> part{};
    const std::size_t n = std::min(bytes.size(), sizeof(part));
    std::memcpy(part.data(), bytes.data(), n);
    bytes = bytes.subspan(n);
    for (std::size_t i = 0; i < part.size(); ++i) key_[i] ^= part[i];
    std::array<std::uint32_t, 16> block;
    chacha20_block(key_, 0, {0, 0, 1}, block);
    std::copy_n(block.begin(), key_.size(), key_.begin());
  }
  left_ = 0;
}

std::size_t cpu_entropy(std::span<const std::uint64_t> words) {
  std::uint64_t last = 0;
  for (const std::uint64_t word : words) {
    if (word == last) return 0;
    last = word;
  }
  return words.size_bytes();
}

void RandomGenerator::refill() {
  std::array<std::uint32_t, 16> block;
  for (std::uint32_t i = 0; i < pool_.size() / sizeof(block); ++i) {
    chacha20_block(key_, i, {0, 0, 0}, block);
    std::memcpy(std::span(pool_).subspan(i * sizeof(block)).data(), block.data(), sizeof(block));
  }
  std::memcpy(key_.data(), pool_.data(), sizeof(key_));
  std::memset(pool_.data(), 0, sizeof(key_));
  left_ = pool_.size() - sizeof(key_);
}

void RandomGenerator::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    if (left_ == 0) refill();
    const std::size_t n = std::min(left_, out.size());
    const std::span<std::byte> from = std::span(pool_).last(left_).first(n);
    std::memcpy(out.data(), from.data(), n);
    std::ranges::fill(from, std::byte{0});
    left_ -= n;
    out = out.subspan(n);
  }
}

}  // namespace fata::kernel
