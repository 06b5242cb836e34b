// Text without std::format, which would cost an image 30-50 KB.
//
// To make a type printable, define `void write_text(TextWriter&, const T&)` next to it.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "fata/base/danger.hpp"
#include "fata/base/time.hpp"

namespace fata {

// Writes into its owner's memory; excess text is cut off, and `truncated()` returns true.
class TextWriter {
 public:
  explicit TextWriter(std::span<char> memory) : memory_(memory) {}

  void put(char c);
  void put(std::string_view text);
  void put_unsigned(std::uint64_t value, unsigned min_digits = 1);
  void put_signed(std::int64_t value);
  void put_hex(std::uint64_t value, unsigned min_digits = 1);  // lower case, without 0x

  std::string_view view() const { return {memory_.data(), used_}; }
  std::size_t size() const { return used_; }
  bool truncated() const { return truncated_; }
  void clear() { used_ = 0, truncated_ = false; }

 private:
  std::span<char> memory_;
  std::size_t used_ = 0;
  bool truncated_ = false;
};

struct Hex {
  std::uint64_t value;
  unsigned min_digits = 1;
};

inline void write_text(TextWriter& out, std::string_view text) { out.put(text); }
inline void write_text(TextWriter& out, const char* text) { out.put(std::string_view(text)); }
inline void write_text(TextWriter& out, char c) { out.put(c); }
inline void write_text(TextWriter& out, bool value) { out.put(value ? "true" : "false"); }
template <std::unsigned_integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>)
void write_text(TextWriter& out, T value) {
  out.put_unsigned(value);
}
template <std::signed_integral T>
  requires(!std::same_as<T, char>)
void write_text(TextWriter& out, T value) {
  out.put_signed(value);
}
void write_text(TextWriter& out, Hex value);       // 0x1f
void write_text(TextWriter& out, Duration value);  // 1.500s, 20.0ms, 3us
// ISO 8601 in UTC, to the millisecond, rounded down: 2025-03-01T12:00:00.250Z.
void write_text(TextWriter& out, WallTime value);

// Writes all arguments, one after the other.
template <class... Parts>
void print(TextWriter& out, const Parts&... parts) {
  (write_text(out, parts), ...);
}

// A TextWriter with its own memory of N characters.
template <std::size_t N>
class Text : public TextWriter {
 public:
  Text() : TextWriter(memory_) {}
  template <class... Parts>
  explicit Text(std::in_place_t, const Parts&... parts) : TextWriter(memory_) {
    print(*this, parts...);
  }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

 private:
  std::array<char, N> memory_;
};

// Parses a decimal number; `text` must contain nothing else.
bool parse_unsigned(std::string_view text, std::uint64_t max, std::uint64_t& out);

}  // namespace fata
