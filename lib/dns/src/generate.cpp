#include "generate.hpp"

#include <algorithm>

#include "fata/base/text.hpp"
#include "text.hpp"

namespace fata::dns {

namespace {

constexpr std::uint32_t kMaxNumber = 0x7fffffff;
constexpr std::uint64_t kMaxWidth = 127;  // as in BIND

struct Format {
  std::int64_t offset = 0;
  std::uint32_t width = 0;
  char base = 'd';
};

// A number as in scanf: blanks and a plus sign may precede it.
bool parse_number(std::string_view text, std::uint64_t max, std::uint64_t& out) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  return parse_unsigned(text, max, out);
}

// offset[,width[,base]]
bool parse_format(std::string_view text, Format& out) {
  std::uint64_t number = 0;
  std::size_t comma = text.find(',');
  const std::string_view offset = text.substr(0, comma);
  const std::size_t minus = offset.find_first_not_of(" \t");
  const bool negative = minus != std::string_view::npos && offset[minus] == '-';
  if (negative ? !parse_unsigned(offset.substr(minus + 1), kMaxNumber + 1ULL, number)
               : !parse_number(offset, kMaxNumber, number))
    return false;
  out.offset = negative ? -static_cast<std::int64_t>(number) : static_cast<std::int64_t>(number);
  if (comma == std::string_view::npos) return true;
  text.remove_prefix(comma + 1);
  comma = text.find(',');
  if (!parse_number(text.substr(0, comma), kMaxWidth, number)) return false;
  out.width = static_cast<std::uint32_t>(number);
  if (comma == std::string_view::npos) return true;
  text.remove_prefix(comma + 1);
  if (text.size() != 1 || std::string_view("doxXnN").find(text.front()) == std::string_view::npos)
    return false;
  out.base = text.front();
  return true;
}

// Writes hex digits for the names of reverse zones: the lowest digit first, a dot after each but
// the last. The width counts the dots.
void append_nibbles(std::uint64_t value, std::uint32_t width, std::string_view digits,
                    std::string& out) {
  do {
    out += digits[value & 15];
    value >>= 4;
    if (width != 0) --width;
    if (width != 0 || value != 0) {
      out += '.';
      if (width != 0) --width;
    }
  } while (width != 0 || value != 0);
}

// Returns false for a negative number in nibbles, whose digits would not end.
bool append_number(std::int64_t number, const Format& format, std::string& out) {
  const std::string_view digits =
      format.base == 'X' || format.base == 'N' ? "0123456789ABCDEF" : "0123456789abcdef";
  const bool negative = number < 0;
  if (lower(format.base) == 'n') {
    if (!negative) append_nibbles(static_cast<std::uint64_t>(number), format.width, digits, out);
    return !negative;
  }
  const std::uint64_t base = format.base == 'd' ? 10 : format.base == 'o' ? 8 : 16;
  std::size_t start = out.size();
  std::uint64_t value = static_cast<std::uint32_t>(number & 0xffffffff);  // its two's complement
  std::size_t width = format.width;
  if (negative && base == 10) {
    out += '-';
    ++start;
    if (width != 0) --width;
    value = static_cast<std::uint64_t>(-number);
  }
  do {
    out += digits[value % base];
    value /= base;
  } while (value != 0 || out.size() - start < width);
  std::ranges::reverse(std::span(out).subspan(start));
  return true;
}

}  // namespace

bool parse_range(std::string_view text, GenerateRange& out) {
  const std::size_t minus = text.find('-');
  const std::size_t slash = text.find('/');
  std::uint64_t start = 0, stop = 0, step = 1;
  if (minus == std::string_view::npos || !parse_unsigned(text.substr(0, minus), kMaxNumber, start))
    return false;
  if (slash != std::string_view::npos && !parse_unsigned(text.substr(slash + 1), kMaxNumber, step))
    return false;
  const std::string_view last =
      text.substr(0, slash).substr(std::min(minus + 1, std::min(slash, text.size())));
  if (!parse_unsigned(last, kMaxNumber, stop)) return false;
  if (start > stop || step == 0) return false;
  out = {static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(stop),
         static_cast<std::uint32_t>(step)};
  return true;
}

bool expand_template(std::string_view text, std::uint32_t value, std::string& out) {
  std::int64_t offset = 0;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '\\' || c != '$') {
      out += c;
      if (c != '\\' || text.empty()) continue;
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    if (text.starts_with('$')) {
      out += '$';
      text.remove_prefix(1);
      continue;
    }
    Format format{.offset = offset};
    if (text.starts_with('{')) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos || !parse_format(text.substr(1, end - 1), format))
        return false;
      text.remove_prefix(end + 1);
    }
    offset = format.offset;
    const std::int64_t number = offset + value;
    if (number > kMaxNumber || !append_number(number, format, out)) return false;
  }
  return true;
}

std::string without_escaped_quotes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[++i] != '"') out += '\\';
    out += text[i];
  }
  return out;
}

}  // namespace fata::dns
