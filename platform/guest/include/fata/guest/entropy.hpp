// Randomness: a ChaCha20 generator with fast key erasure, fed by the CPU and by whatever a device
// driver adds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fata::guest {

// After each refill the key is replaced by output that nobody saw, and served bytes are wiped: who
// reads the state later learns nothing of what was given out before.
class RandomGenerator {
 public:
  // Bytes of full entropy that make the output unpredictable.
  static constexpr std::size_t kEnough = 32;

  // Mixes `bytes` in; `credited` of them count as full entropy (0 for guessable ones, which do no
  // harm).
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

// For drivers of entropy sources; each byte counts as full entropy.
void add_entropy(std::span<const std::byte> bytes) noexcept;

// How many of what the CPU's instructions gave count as full entropy: all bytes, or none where a
// word follows its like. Generators that are stuck exist (all ones after a sleep, with success
// reported), while 64 bits that repeat by chance do not.
std::size_t cpu_entropy(std::span<const std::uint64_t> words);

// Called once before the image starts. Defined by the virtio-rng driver in images that are linked
// with it, which calls add_entropy(). `needed`: there is too little to start with, so it looks for
// the device and waits (bounded) for its bytes. Else it waits for nothing: it looks when the image
// first idles, and the bytes are mixed in when they come (docs/decisions/entropy-at-the-start.md).
extern "C" [[gnu::weak]] void fata_gather_boot_entropy(bool needed) noexcept;

}  // namespace fata::guest
