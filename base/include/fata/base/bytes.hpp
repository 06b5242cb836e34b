// Checked readers and writers of bytes in network order (little endian where stated).
//
// Both are *sticky*: after the first access past the end, every later access fails too, so a parser
// reads a whole header and checks `ok()` once. A failed read returns zeros; a failed write writes
// nothing.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "fata/base/danger.hpp"

namespace fata {

// Unaligned loads and stores; `at` must hold sizeof(T) bytes (checked by the span).
template <std::unsigned_integral T>
T load_be(Bytes at) {
  T value;
  std::memcpy(&value, at.first(sizeof(T)).data(), sizeof(T));
  return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}
template <std::unsigned_integral T>
T load_le(Bytes at) {
  T value;
  std::memcpy(&value, at.first(sizeof(T)).data(), sizeof(T));
  return std::endian::native == std::endian::big ? std::byteswap(value) : value;
}
template <std::unsigned_integral T>
void store_be(MutableBytes at, T value) {
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  std::memcpy(at.first(sizeof(T)).data(), &value, sizeof(T));
}
template <std::unsigned_integral T>
void store_le(MutableBytes at, T value) {
  if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
  std::memcpy(at.first(sizeof(T)).data(), &value, sizeof(T));
}

// Copies as much as fits; returns the number of bytes copied.
inline std::size_t copy_bytes(MutableBytes to, Bytes from) {
  const std::size_t n = std::min(to.size(), from.size());
  if (n != 0) std::memmove(to.data(), from.data(), n);
  return n;
}
inline bool equal_bytes(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

class ByteReader {
 public:
  explicit constexpr ByteReader(Bytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  bool at_end() const { return remaining() == 0; }
  Bytes whole() const { return bytes_; }
  Bytes rest() const { return bytes_.subspan(position_); }

  std::uint8_t u8() { return integer<std::uint8_t>(); }
  std::uint16_t u16() { return integer<std::uint16_t>(); }
  std::uint32_t u32() { return integer<std::uint32_t>(); }
  std::uint64_t u64() { return integer<std::uint64_t>(); }

  // Returns the next `count` bytes without copying them. If fewer remain, fails and returns an
  // empty span.
  Bytes take(std::size_t count) {
    if (!ok_ || count > remaining()) {
      ok_ = false;
      return {};
    }
    const Bytes taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }
  void skip(std::size_t count) { (void)take(count); }
  // Moves to an absolute position; fails past the end.
  void seek(std::size_t position) {
    if (position > bytes_.size()) {
      ok_ = false;
    } else {
      position_ = position;
    }
  }
  void set_failed() { ok_ = false; }

 private:
  template <class T>
  T integer() {
    const Bytes at = take(sizeof(T));
    return ok_ ? load_be<T>(at) : T{0};
  }

  Bytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

class ByteWriter {
 public:
  explicit constexpr ByteWriter(MutableBytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t position() const { return position_; }
  std::size_t room() const { return bytes_.size() - position_; }
  MutableBytes written() const { return bytes_.first(position_); }
  Bytes whole() const { return bytes_; }

  void u8(std::uint8_t value) { integer(value); }
  void u16(std::uint16_t value) { integer(value); }
  void u32(std::uint32_t value) { integer(value); }
  void u64(std::uint64_t value) { integer(value); }
  void bytes(Bytes from) {
    const MutableBytes to = reserve(from.size());
    if (ok_) copy_bytes(to, from);
  }
  void zeros(std::size_t count) {
    const MutableBytes to = reserve(count);
    if (ok_) std::ranges::fill(to, std::byte{0});
  }
  // Returns the next `count` bytes for the caller to fill. If they do not fit, fails and returns an
  // empty span.
  MutableBytes reserve(std::size_t count) {
    if (!ok_ || count > room()) {
      ok_ = false;
      return {};
    }
    const MutableBytes at = bytes_.subspan(position_, count);
    position_ += count;
    return at;
  }
  // Overwrites two bytes written earlier (a length, a checksum).
  void patch_u16(std::size_t position, std::uint16_t value) {
    if (position_ < 2 || position > position_ - 2) {
      ok_ = false;
    } else {
      store_be(bytes_.subspan(position, 2), value);
    }
  }
  // Goes back to an earlier position, e.g. to drop a record that did not fit; clears a failure.
  void rewind(std::size_t position) {
    if (position <= position_) {
      position_ = position;
      ok_ = true;
    }
  }

 private:
  template <class T>
  void integer(T value) {
    const MutableBytes at = reserve(sizeof(T));
    if (ok_) store_be(at, value);
  }

  MutableBytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace fata
