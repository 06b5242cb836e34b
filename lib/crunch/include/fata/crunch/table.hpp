// The lookup table of files linked into an image: a perfect hash, built at configure time.
//
// A key's first hash selects a seed; its second hash, with that seed, is its slot. A lookup takes
// two hashes and one comparison, whatever the number of files ("hash, displace and compress",
// Belazzougui et al. 2009).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "fata/base/danger.hpp"

namespace fata::crunch {

struct File {
  std::string_view key;  // path below the folder: "zones/example.org"
  Bytes content;
};

struct Table {
  std::span<const std::uint32_t> seeds;  // at least one if there are files
  std::span<const File> files;           // by slot
};

// FNV-1a with a seed, and a final step that mixes in the high bits.
constexpr std::uint32_t hash(std::uint32_t seed, std::string_view key) {
  std::uint64_t h = 0xcbf29ce484222325U ^ (std::uint64_t{seed} * 0x9e3779b97f4a7c15U);
  for (const char c : key) {
    h ^= static_cast<unsigned char>(c);
    h *= 0x100000001b3U;
  }
  h ^= h >> 32U;
  h *= 0xd6e8feb86659fd93U;
  return static_cast<std::uint32_t>(h >> 32U);
}

// The slot of the file with exactly this key.
inline std::optional<std::size_t> find(const Table& table, std::string_view key) {
  if (table.files.empty()) return std::nullopt;
  const std::uint32_t seed = table.seeds[hash(0, key) % table.seeds.size()];
  const std::size_t slot = hash(seed, key) % table.files.size();
  if (table.files[slot].key != key) return std::nullopt;
  return slot;
}

}  // namespace fata::crunch
