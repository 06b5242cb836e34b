#include "generate.hpp"

#include <algorithm>

#include "fata/base/text.hpp"
#include "text.hpp"

namespace fata::dns {

namespace {

constexpr std::uint32_t kMaxNumber = 0x7fffffff;
constexpr std::uint64_t kMaxWidth = 255;

struct Format {
  std::int64_t offset = 0;
  std::uint32_t width = 0;
  char base = 'd';
};

// offset[,width[,base]]
bool parse_format(std::string_view text, Format& out) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::uint64_t number = 0;
  std::size_t comma = text.find(',');
  if (!parse_unsigned(text.substr(0, comma), kMaxNumber, number)) return false;
  out.offset = negative ? -static_cast<std::int64_t>(number) : static_cast<std::int64_t>(number);
  if (comma == std::string_view::npos) return true;
  text.remove_prefix(comma + 1);
  comma = text.find(',');
  if (!parse_unsigned(text.substr(0, comma), kMaxWidth, number)) return false;
  out.width = static_cast<std::uint32_t>(number);
  if (comma == std::string_view::npos) return true;
  text.remove_prefix(comma + 1);
  if (text.size() != 1 || std::string_view("doxXnN").find(text.front()) == std::string_view::npos)
    return false;
  out.base = text.front();
  return true;
}

// For the names of reverse zones: the lowest digit first, a dot after each but the last. The width
// counts the dots.
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

void append_number(std::uint64_t value, const Format& format, std::string& out) {
  const std::string_view digits =
      format.base == 'X' || format.base == 'N' ? "0123456789ABCDEF" : "0123456789abcdef";
  if (lower(format.base) == 'n') return append_nibbles(value, format.width, digits, out);
  const std::uint64_t base = format.base == 'd' ? 10 : format.base == 'o' ? 8 : 16;
  const std::size_t start = out.size();
  do {
    out += digits[value % base];
    value /= base;
  } while (value != 0 || out.size() - start < format.width);
  std::ranges::reverse(std::span(out).subspan(start));
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
    Format format;
    if (text.starts_with('{')) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos || !parse_format(text.substr(1, end - 1), format))
        return false;
      text.remove_prefix(end + 1);
    }
    const std::int64_t number = format.offset + value;
    if (number < 0) return false;
    append_number(static_cast<std::uint64_t>(number), format, out);
  }
  return true;
}

}  // namespace fata::dns
