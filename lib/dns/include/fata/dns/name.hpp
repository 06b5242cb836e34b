// Domain names in wire form: labels, each after its length, ending in the root's empty label.
//
// Names are compared without regard to ASCII case (RFC 4343). Since a length octet is below 'A',
// lower-casing all octets of a name never changes its structure; hashing and comparison rely on
// that.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "fata/base/bytes.hpp"
#include "fata/base/result.hpp"
#include "fata/base/text.hpp"
#include "fata/dns/types.hpp"

namespace fata::dns {

inline constexpr std::size_t kMaxName = 255;  // octets on the wire, including the root's label
inline constexpr std::size_t kMaxLabel = 63;
inline constexpr std::size_t kMaxLabels = 127;  // without the root

// A complete, validated, uncompressed name. The default is the root.
class Name {
 public:
  constexpr Name() = default;

  // `wire` must be exactly one uncompressed name.
  static Result<Name, Errc> from_wire(Bytes wire);
  // Parses text with escapes (\. and \DDD). Without a final dot it is relative to `origin`, or an
  // error if `origin` is null. "@" is not special here.
  static Result<Name, Errc> from_text(std::string_view text, const Name* origin = nullptr);
  // Joins labels (without a root) and a complete name.
  static Result<Name, Errc> join(Bytes labels, Bytes whole);

  Bytes wire() const { return Bytes(bytes_).first(size_); }
  operator Bytes() const { return wire(); }  // NOLINT: a Name is its bytes
  bool is_root() const { return size_ == 1; }

 private:
  std::array<std::byte, kMaxName> bytes_{};
  std::uint8_t size_ = 1;
};

// The functions below take names in wire form; unless stated otherwise, these must be complete and
// valid.

// Size in octets of the uncompressed name at the start of `at`; 0 if there is none.
std::size_t name_length(Bytes at);
// Number of labels without the root.
std::size_t label_count(Bytes name);
// The name without its first label; the root's parent is the root.
Bytes parent_of(Bytes name);
bool same_name(Bytes a, Bytes b);
// True if `name` is `ancestor` or below it.
bool is_under(Bytes name, Bytes ancestor);
bool is_wildcard(Bytes name);
// Escaped text with a final dot.
void write_name(TextWriter& out, Bytes name);
inline void write_text(TextWriter& out, const Name& name) { write_name(out, name.wire()); }

namespace detail {
inline constexpr std::uint64_t repeat(std::uint8_t byte) { return 0x0101010101010101U * byte; }
// Lower-cases eight ASCII letters at once.
inline std::uint64_t lower8(std::uint64_t word) {
  const std::uint64_t heptets = word & repeat(0x7f);
  const std::uint64_t above_z = heptets + repeat(0x7f - 'Z');
  const std::uint64_t from_a = heptets + repeat(0x80 - 'A');
  return word | ((~word & repeat(0x80) & (from_a ^ above_z)) >> 2);
}
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
// Up to 15 octets, padded with zeros.
std::array<std::uint64_t, 2> words_of_short(Bytes name);
// name_length(), inlined for hot callers.
[[gnu::always_inline]] inline std::size_t name_length_here(Bytes at) {
  const std::size_t end = std::min(at.size(), kMaxName);
  for (std::size_t position = 0; position < end;) {
    const auto length = static_cast<std::size_t>(at[position]);
    if (length > kMaxLabel) return 0;
    position += length + 1;
    if (length == 0) return position;
  }
  return 0;
}
}  // namespace detail

// A lower-cased copy of a name, padded for whole-word access, and its hash.
class LowerName {
 public:
  LowerName() = default;
  explicit LowerName(Bytes name) { assign(name); }

  // `name` has at most kMaxName octets. Returns hash().
  std::uint64_t assign(Bytes name) {
    size_ = static_cast<std::uint8_t>(name.size());
    const MutableBytes all(bytes_);
    std::uint64_t state = first_state(size_);
    std::size_t i = 0;
    const auto take = [&](std::uint64_t low, std::uint64_t high) {
      const std::array words{detail::lower8(low), detail::lower8(high)};
      std::memcpy(all.subspan(i, 16).data(), words.data(), 16);
      state = next_state(state, words[0], words[1]);
    };
    for (; i + 16 <= name.size(); i += 16) take(word(name, i), word(name, i + 8));
    if (i < name.size()) {
      const auto [low, high] = last_words(name, name.size() - i);
      take(low, high);
    }
    std::memset(all.subspan(size_, 16).data(), 0, 16);
    return last_state(state);
  }
  Bytes wire() const { return Bytes(bytes_).first(size_); }
  // Hash of the suffix that starts at octet `from`. Equal names have equal hashes, whatever longer
  // name they are a suffix of.
  std::uint64_t hash(std::size_t from = 0) const {
    const Bytes all(bytes_);
    std::uint64_t state = first_state(size_ - from);
    for (std::size_t i = from; i < size_; i += 16) {
      state = next_state(state, word(all, i), word(all, i + 8));
    }
    return last_state(state);
  }

 private:
  static std::uint64_t first_state(std::size_t size) { return 0x9e3779b97f4a7c15U ^ size; }
  static std::uint64_t next_state(std::uint64_t state, std::uint64_t low, std::uint64_t high) {
    return detail::fold(low ^ 0xa0761d6478bd642fU, high ^ state);
  }
  static std::uint64_t last_state(std::uint64_t state) {
    return detail::fold(state, 0xe7037ed1a0b428dbU);
  }
  static std::uint64_t word(Bytes all, std::size_t at) {
    std::uint64_t value;
    std::memcpy(&value, all.subspan(at, 8).data(), 8);
    return value;
  }
  // The last 1 to 15 octets of a name, padded with zeros.
  static std::array<std::uint64_t, 2> last_words(Bytes name, std::size_t octets) {
    if (name.size() < 16) return detail::words_of_short(name);
    __extension__ using Wide = unsigned __int128;
    const Wide first = word(name, name.size() - 16), second = word(name, name.size() - 8);
    const std::size_t before = 8 * (16 - octets);  // bits of octets already taken
    if constexpr (std::endian::native == std::endian::little) {
      const Wide both = (second << 64 | first) >> before;
      return {static_cast<std::uint64_t>(both), static_cast<std::uint64_t>(both >> 64)};
    } else {
      const Wide both = (first << 64 | second) << before;
      return {static_cast<std::uint64_t>(both >> 64), static_cast<std::uint64_t>(both)};
    }
  }

  std::array<std::byte, 272> bytes_;  // 255, and 16 of padding
  std::uint8_t size_ = 0;
};

}  // namespace fata::dns
