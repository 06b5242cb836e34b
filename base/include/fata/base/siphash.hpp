// SipHash-2-4 (Aumasson and Bernstein): a keyed 64-bit hash. Without the key, its values can be
// neither predicted nor made to collide. It is used for tables filled by untrusted peers, for
// sequence numbers and for cookies.
#pragma once

#include <cstdint>
#include <span>

#include "fata/base/bytes.hpp"

namespace fata {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  // From 16 bytes of entropy, as the reference implementation reads them.
  static SipKey of(std::span<const std::byte, 16> bytes) {
    return {load_le<std::uint64_t>(bytes), load_le<std::uint64_t>(bytes.subspan<8>())};
  }
};

std::uint64_t siphash(const SipKey& key, Bytes bytes);
// The same value as for the words' little-endian bytes, without storing them in memory first.
std::uint64_t siphash(const SipKey& key, std::span<const std::uint64_t> words);

}  // namespace fata
