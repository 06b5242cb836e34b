// Randomness: a ChaCha20 generator with fast key erasure, seeded by the CPU and by device
// drivers (fata/bus/entropy.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fata::kernel {

// After each refill, unused output replaces the key, and served bytes are wiped, so that the state
// reveals nothing about earlier output.
class RandomGenerator {
 public:
  // The number of bytes of full entropy that make the output unpredictable.
  static constexpr std::size_t kEnough = 32;

  // Mixes in `bytes`, of which `credited` count as full entropy. Predictable bytes do no harm; they
  // are credited as 0.
  void add(std::span<const std::byte> bytes, std::size_t credited);
  bool is_seeded() const { return credited_ >= kEnough; }
  void fill(std::span<std::byte> out);

 private:
  void refill();

  std::array<std::uint32_t, 8> key_{};
  std::array<std::byte, 256> pool_{};
  std::size_t left_ = 0;
  std::size_t credited_ = 0;
};

// One ChaCha20 block (RFC 8439, section 2.3).
void chacha20_block(const std::array<std::uint32_t, 8>& key, std::uint32_t counter,
                    const std::array<std::uint32_t, 3>& nonce, std::array<std::uint32_t, 16>& out);

// The number of bytes from the CPU's instructions that count as full entropy: all of them, or none
// if two adjacent words are equal or the first is 0. Some generators get stuck (after a sleep, they
// return all ones and report success), but 64 random bits do not repeat by chance.
std::size_t cpu_entropy(std::span<const std::uint64_t> words);

}  // namespace fata::kernel
