#include "fata/base/text.hpp"

#include <algorithm>
#include <chrono>

#include "fata/base/error.hpp"

namespace fata {

void TextWriter::put(char c) {
  if (used_ < memory_.size()) {
    memory_[used_++] = c;
  } else {
    truncated_ = true;
  }
}

void TextWriter::put(std::string_view text) {
  const std::size_t n = std::min(text.size(), memory_.size() - used_);
  std::ranges::copy(text.substr(0, n), memory_.subspan(used_).begin());
  used_ += n;
  truncated_ |= n != text.size();
}

namespace {
void put_base(TextWriter& out, std::uint64_t value, unsigned base, unsigned min_digits) {
  std::array<char, 64> digits{};
  std::size_t n = 0;
  do {
    digits[n++] = std::string_view("0123456789abcdef")[value % base];
    value /= base;
  } while (value != 0 || n < std::min(min_digits, 64U));
  while (n != 0) out.put(digits[--n]);
}
}  // namespace

void TextWriter::put_unsigned(std::uint64_t value, unsigned min_digits) {
  put_base(*this, value, 10, min_digits);
}
void TextWriter::put_hex(std::uint64_t value, unsigned min_digits) {
  put_base(*this, value, 16, min_digits);
}
void TextWriter::put_signed(std::int64_t value) {
  if (value < 0) put('-');
  put_unsigned(value < 0 ? 0 - static_cast<std::uint64_t>(value)
                         : static_cast<std::uint64_t>(value));
}

void write_text(TextWriter& out, Hex value) {
  out.put("0x");
  out.put_hex(value.value, value.min_digits);
}

void write_text(TextWriter& out, Duration value) {
  if (value.ns < 0) {
    out.put('-');
    value.ns = -value.ns;
  }
  const auto ns = static_cast<std::uint64_t>(value.ns);
  if (ns >= 1'000'000'000) {
    print(out, ns / 1'000'000'000, '.');
    out.put_unsigned(ns / 1'000'000 % 1000, 3);
    out.put('s');
  } else if (ns >= 1'000'000) {
    print(out, ns / 1'000'000, '.', ns / 100'000 % 10, "ms");
  } else if (ns >= 1000) {
    print(out, ns / 1000, "us");
  } else {
    print(out, ns, "ns");
  }
}

void write_text(TextWriter& out, WallTime value) {
  constexpr std::int64_t kMillisecond = 1'000'000, kDay = 86'400'000;
  // Rounded down, so that times before 1970 are correct too.
  const std::int64_t ms = value.ns / kMillisecond - (value.ns % kMillisecond < 0 ? 1 : 0);
  const std::int64_t days = ms / kDay - (ms % kDay < 0 ? 1 : 0);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  const auto rest = static_cast<std::uint64_t>(ms - days * kDay);
  const auto two = [&](char before, std::uint64_t number) {
    out.put(before);
    out.put_unsigned(number, 2);
  };
  out.put_unsigned(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  two('-', static_cast<unsigned>(date.month()));
  two('-', static_cast<unsigned>(date.day()));
  two('T', rest / 3'600'000);
  two(':', rest / 60'000 % 60);
  two(':', rest / 1000 % 60);
  out.put('.');
  out.put_unsigned(rest % 1000, 3);
  out.put('Z');
}

void write_text(TextWriter& out, const Error& error) {
  print(out, error.domain().name, ": ", error.message());
  if (error.detail() != 0) print(out, " (", error.detail(), ')');
}

bool parse_unsigned(std::string_view text, std::uint64_t max, std::uint64_t& out) {
  if (text.empty()) return false;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (max - std::min(digit, max)) / 10 || digit > max) return false;
    value = value * 10 + digit;
  }
  if (value > max) return false;
  out = value;
  return true;
}

}  // namespace fata
