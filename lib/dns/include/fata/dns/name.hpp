// Domain names as wire bytes: labels with their length in front, ending in the root's empty label.
//
// Names are compared without regard to ASCII case (RFC 4343). As a length octet is below 'A', lowering the
// case of all octets of a name never changes its shape; hashing and comparing use that.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "fata/base/bytes.hpp"
#include "fata/base/result.hpp"
#include "fata/base/text.hpp"
#include "fata/dns/types.hpp"

namespace fata::dns {

inline constexpr std::size_t kMaxName = 255;  // octets on the wire, the root's label included
inline constexpr std::size_t kMaxLabel = 63;
inline constexpr std::size_t kMaxLabels = 127;  // without the root

// A whole uncompressed name, checked. The default is the root.
class Name {
 public:
  constexpr Name() = default;

  // `wire` must be exactly one uncompressed name.
  static Result<Name, Errc> from_wire(Bytes wire);
  // Text with escapes (\. and \DDD). Without a final dot it is relative to `origin`, and an error if that is
  // null.
  // "@" is not special here.
  static Result<Name, Errc> from_text(std::string_view text, const Name* origin = nullptr);
  // Joins labels (without a root) and a whole name.
  static Result<Name, Errc> join(Bytes labels, Bytes whole);

  Bytes wire() const { return Bytes(bytes_).first(size_); }
  operator Bytes() const { return wire(); }  // NOLINT: a Name is its bytes
  bool is_root() const { return size_ == 1; }

 private:
  std::array<std::byte, kMaxName> bytes_{};
  std::uint8_t size_ = 1;
};

// The functions below take wire names as bytes; unless said otherwise these must be whole and valid.

// Length in octets of the uncompressed name at the start of `at`, or 0 if there is none.
std::size_t name_length(Bytes at);
// Labels, not counting the root.
std::size_t label_count(Bytes name);
// The name without its first label; the root's parent is the root.
Bytes parent_of(Bytes name);
bool same_name(Bytes a, Bytes b);
// Whether `name` is `ancestor` or below it.
bool is_under(Bytes name, Bytes ancestor);
bool is_wildcard(Bytes name);
// Escaped text with a final dot.
void write_name(TextWriter& out, Bytes name);
inline void write_text(TextWriter& out, const Name& name) { write_name(out, name.wire()); }

namespace detail {
inline constexpr std::uint64_t repeat(std::uint8_t byte) { return 0x0101010101010101U * byte; }
// Lowers eight ASCII letters at once.
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
}  // namespace detail

// A lower-cased copy of a name with padding for whole-word access, and its hash.
class LowerName {
 public:
  LowerName() = default;
  explicit LowerName(Bytes name) { assign(name); }

  // `name` holds at most kMaxName octets.
  void assign(Bytes name) {
    size_ = static_cast<std::uint8_t>(name.size());
    const MutableBytes all(bytes_);
    std::memcpy(all.data(), name.data(), size_);
    std::memset(all.subspan(size_, 16).data(), 0, 16);
    for (std::size_t i = 0; i < size_; i += 8) {
      std::uint64_t word;
      std::memcpy(&word, all.subspan(i, 8).data(), 8);
      word = detail::lower8(word);
      std::memcpy(all.subspan(i, 8).data(), &word, 8);
    }
  }
  Bytes wire() const { return Bytes(bytes_).first(size_); }
  // Hash of the suffix that starts at octet `from`. Equal names have equal hashes, whatever they are a suffix
  // of.
  std::uint64_t hash(std::size_t from = 0) const {
    const Bytes all(bytes_);
    std::uint64_t state = 0x9e3779b97f4a7c15U ^ (size_ - from);
    for (std::size_t i = from; i < size_; i += 16) {
      const std::uint64_t low = word(all, i), high = word(all, i + 8);
      state = detail::fold(low ^ 0xa0761d6478bd642fU, high ^ state);
    }
    return detail::fold(state, 0xe7037ed1a0b428dbU);
  }

 private:
  static std::uint64_t word(Bytes all, std::size_t at) {
    std::uint64_t value;
    std::memcpy(&value, all.subspan(at, 8).data(), 8);
    return value;
  }

  std::array<std::byte, 272> bytes_;  // 255 and 16 of padding
  std::uint8_t size_ = 0;
};

}  // namespace fata::dns
