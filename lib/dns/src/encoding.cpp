#include "rdata_text.hpp"
#include "text.hpp"

namespace fata::dns {

namespace {
int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}
}  // namespace

bool Base64::feed(std::string_view text, ByteWriter& out) {
  for (const char c : text) {
    if (c == '=') {
      if (++padding_ > 2) return false;
      continue;
    }
    const int digit = base64_digit(c);
    if (digit < 0 || padding_ != 0) return false;
    bits_ = bits_ << 6 | static_cast<std::uint32_t>(digit);
    ++count_;
    if (count_ % 4 != 1) out.u8(static_cast<std::uint8_t>(bits_ >> (6 - 2 * ((count_ - 1) % 4))));
  }
  return true;
}

bool HexDigits::feed(std::string_view text, ByteWriter& out) {
  for (const char c : text) {
    const int digit = hex_digit(c);
    if (digit < 0) return false;
    if (odd_) out.u8(static_cast<std::uint8_t>(high_ << 4 | digit));
    high_ = static_cast<std::uint8_t>(digit);
    odd_ = !odd_;
  }
  return true;
}

bool decode_base32hex(std::string_view text, ByteWriter& out) {
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const char l = lower(c);
    std::uint32_t digit = 0;
    if (is_digit(l)) {
      digit = static_cast<std::uint32_t>(l - '0');
    } else if (l >= 'a' && l <= 'v') {
      digit = static_cast<std::uint32_t>(l - 'a') + 10;
    } else {
      return false;
    }
    bits = bits << 5 | digit;
    held += 5;
    if (held >= 8) {
      held -= 8;
      out.u8(static_cast<std::uint8_t>(bits >> held));
    }
  }
  return held < 5 && (bits & ((1U << held) - 1)) == 0;
}

std::optional<std::uint32_t> parse_period(std::string_view text, std::uint32_t max) {
  if (text.empty()) return {};
  std::uint64_t total = 0;
  while (!text.empty()) {
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    std::uint64_t value = 0;
    if (!parse_unsigned(text.substr(0, digits), max, value)) return {};
    text.remove_prefix(digits);
    if (!text.empty()) {
      switch (lower(text.front())) {
        case 's':
          break;
        case 'm':
          value *= 60;
          break;
        case 'h':
          value *= 3600;
          break;
        case 'd':
          value *= 86400;
          break;
        case 'w':
          value *= 604800;
          break;
        default:
          return {};
      }
      text.remove_prefix(1);
    }
    total += value;
    if (total > max) return {};
  }
  return static_cast<std::uint32_t>(total);
}

std::optional<std::uint32_t> parse_date(std::string_view text) {
  std::uint64_t value = 0;
  if (text.size() != 14) {
    if (!parse_unsigned(text, 0xffffffff, value)) return {};
    return static_cast<std::uint32_t>(value);
  }
  if (!parse_unsigned(text, 99'991'231'235'959U, value)) return {};
  const auto second = value % 100, minute = value / 100 % 100, hour = value / 10'000 % 100,
             day = value / 1'000'000 % 100, month = value / 100'000'000 % 100;
  std::uint64_t year = value / 10'000'000'000U;
  if (second > 60 || minute > 59 || hour > 23 || day < 1 || month < 1 || month > 12 || year < 1) {
    return {};
  }
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  const auto last_day = month == 2 ? (leap ? 29U : 28U) : 30U + (month + month / 8) % 2;
  if (day > last_day) return {};
  // Days since 1970. Years count from March, so that the leap day is the last day.
  if (month <= 2) --year;
  const auto shifted = (month + 9) % 12;
  const auto days =
      365 * year + year / 4 - year / 100 + year / 400 + (153 * shifted + 2) / 5 + day - 1 - 719468;
  // Serial arithmetic: the date is modulo 2^32 (RFC 4034 section 3.1.5).
  return static_cast<std::uint32_t>(days * 86400 + hour * 3600 + minute * 60 + second);
}

bool parse_ipv4(std::string_view text, MutableBytes out) {
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? text.find('.') : text.size();
    std::uint64_t value = 0;
    if (dot == std::string_view::npos || dot > 3 ||
        !parse_unsigned(text.substr(0, dot), 255, value))
      return false;
    // Some parsers read a leading zero as octal (RFC 6943 section 3.1.1).
    if (dot > 1 && text.front() == '0') return false;
    out[i] = static_cast<std::byte>(value);
    text.remove_prefix(dot + (i < 3 ? 1 : 0));
  }
  return true;
}

bool parse_ipv6(std::string_view text, MutableBytes out) {
  std::array<std::uint16_t, 8> groups{};
  std::size_t count = 0;
  std::size_t gap = 9;  // none yet
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    if (count == 8) return false;
    const std::size_t colon = text.find(':');
    const std::string_view word = text.substr(0, colon);
    if (word.find('.') != std::string_view::npos) {  // the last 32 bits as IPv4
      std::array<std::byte, 4> v4;
      if (colon != std::string_view::npos || count > 6 || !parse_ipv4(word, v4)) return false;
      groups[count++] = load_be<std::uint16_t>(v4);
      groups[count++] = load_be<std::uint16_t>(Bytes(v4).subspan(2));
      break;
    }
    if (word.empty() || word.size() > 4) return false;
    unsigned value = 0;
    for (const char c : word) {
      const int digit = hex_digit(c);
      if (digit < 0) return false;
      value = value << 4 | static_cast<unsigned>(digit);
    }
    groups[count++] = static_cast<std::uint16_t>(value);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;
    if (text.front() == ':') {
      if (gap != 9) return false;
      gap = count;
      text.remove_prefix(1);
    }
  }
  if (gap == 9 ? count != 8 : count == 8) return false;
  for (std::size_t i = 0; i < 8; ++i) {
    // The groups after the gap are at the end.
    const std::size_t missing = 8 - count;
    const std::uint16_t group = i < gap ? groups[i] : (i < gap + missing ? 0 : groups[i - missing]);
    store_be(out.subspan(2 * i, 2), group);
  }
  return true;
}

}  // namespace fata::dns
