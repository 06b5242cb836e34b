#include "fata/json/reader.hpp"

#include <algorithm>
#include <limits>

namespace fata::json {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::uint32_t hex4(std::string_view digits) {
  std::uint32_t value = 0;
  for (const char c : digits.substr(0, 4))
    value = value << 4 | static_cast<std::uint32_t>(hex_digit(c));
  return value;
}

void put_utf8(TextWriter& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.put(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

constexpr std::string_view kEscapes = "\"\\/bfnrt";
constexpr std::string_view kEscaped = "\"\\/\b\f\n\r\t";

}  // namespace

void Reader::skip_space() {
  while (at_ < text_.size() && std::string_view(" \t\n\r").contains(text_[at_])) ++at_;
}

Token Reader::next() {
  if (failed_) return Token::kError;
  skip_space();
  if (expect_ == Expect::kMore) {
    if (at_ == text_.size()) return start_ = at_, fail();
    if (text_[at_] == ',') {
      ++at_;
      skip_space();
      expect_ = (objects_ & 1) != 0 ? Expect::kKey : Expect::kValue;
    }
  }
  start_ = at_;
  if (expect_ == Expect::kNothing) return at_ == text_.size() ? token_ = Token::kEnd : fail();
  if (at_ == text_.size()) return fail();
  const char c = text_[at_++];
  if (expect_ == Expect::kMore || expect_ == Expect::kFirstKey || expect_ == Expect::kFirstValue) {
    if (c == '}' && (objects_ & 1) != 0) return close(true);
    if (c == ']' && (objects_ & 1) == 0) return close(false);
    if (expect_ == Expect::kMore) return fail();
  }
  if (expect_ == Expect::kValue || expect_ == Expect::kFirstValue) return value(c);
  if (c != '"' || !string()) return fail();
  skip_space();
  if (at_ == text_.size() || text_[at_] != ':') return fail();
  ++at_;
  expect_ = Expect::kValue;
  return token_ = Token::kKey;
}

Token Reader::value(char first) {
  switch (first) {
    case '{':
      return open(true);
    case '[':
      return open(false);
    case '"':
      return string() ? done(Token::kString) : fail();
    case 't':
      return word("rue", Token::kTrue);
    case 'f':
      return word("alse", Token::kFalse);
    case 'n':
      return word("ull", Token::kNull);
    default:
      return first == '-' || is_digit(first) ? number() : fail();
  }
}

Token Reader::done(Token token) {
  expect_ = depth_ == 0 ? Expect::kNothing : Expect::kMore;
  return token_ = token;
}

Token Reader::open(bool object) {
  if (depth_ == kMaxDepth) return fail();
  ++depth_;
  objects_ = objects_ << 1 | (object ? 1 : 0);
  expect_ = object ? Expect::kFirstKey : Expect::kFirstValue;
  return token_ = object ? Token::kObject : Token::kArray;
}

Token Reader::close(bool object) {
  --depth_;
  objects_ >>= 1;
  return done(object ? Token::kObjectEnd : Token::kArrayEnd);
}

Token Reader::word(std::string_view rest, Token token) {
  if (!text_.substr(at_).starts_with(rest)) return fail();
  at_ += rest.size();
  return done(token);
}

Token Reader::number() {
  at_ = start_;
  const auto digit = [&] { return at_ < text_.size() && is_digit(text_[at_]); };
  const auto digits = [&] {
    const std::size_t first = at_;
    while (digit()) ++at_;
    return at_ != first;
  };
  if (text_[at_] == '-') ++at_;
  if (!digit()) return fail();
  if (text_[at_++] != '0') (void)digits();
  if (digit()) return fail();  // 01
  if (at_ < text_.size() && text_[at_] == '.' && (++at_, !digits())) return fail();
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    if (!digits()) return fail();
  }
  raw_ = text_.substr(start_, at_ - start_);
  return done(Token::kNumber);
}

bool Reader::string() {
  const std::size_t first = at_;
  while (at_ < text_.size()) {
    const auto c = static_cast<unsigned char>(text_[at_++]);
    if (c == '"') {
      raw_ = text_.substr(first, at_ - 1 - first);
      return true;
    }
    if (c < 0x20 || (c == '\\' && !escape()) || (c >= 0x80 && !utf8(c))) return false;
  }
  return false;
}

bool Reader::escape() {
  const auto four = [&] {
    if (text_.size() - at_ < 4) return false;
    return std::ranges::all_of(text_.substr(at_, 4), [](char c) { return hex_digit(c) >= 0; });
  };
  if (at_ == text_.size()) return false;
  const char c = text_[at_++];
  if (c != 'u') return kEscapes.contains(c);
  if (!four()) return false;
  const std::uint32_t code = hex4(text_.substr(at_));
  at_ += 4;
  if (code >= 0xdc00 && code < 0xe000) return false;
  if (code < 0xd800 || code >= 0xe000) return true;
  // The first half of a surrogate pair: the second half must follow.
  if (!text_.substr(at_).starts_with("\\u")) return false;
  at_ += 2;
  if (!four()) return false;
  const std::uint32_t low = hex4(text_.substr(at_));
  at_ += 4;
  return low >= 0xdc00 && low < 0xe000;
}

bool Reader::utf8(unsigned char first) {
  if (first < 0xc2 || first > 0xf4) return false;
  const std::size_t more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  if (text_.size() - at_ < more) return false;
  std::uint32_t code = first & (0x3fU >> more);
  for (const char c : text_.substr(at_, more)) {
    if ((c & 0xc0) != 0x80) return false;
    code = code << 6 | (static_cast<unsigned char>(c) & 0x3f);
  }
  at_ += more;
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  return !surrogate && code < 0x110000 &&
         code >= (more == 3   ? 0x10000U
                  : more == 2 ? 0x800U
                              : 0x80U);
}

bool Reader::skip() {
  const unsigned before = depth_;
  for (;;) {
    const Token token = next();
    if (token == Token::kError || token == Token::kEnd || depth_ < before) return false;
    if (depth_ == before && token != Token::kKey) return true;
  }
}

std::optional<std::int64_t> Reader::next_integer(int power) {
  if (!skip() || token_ != Token::kNumber) return std::nullopt;
  return integer(power);
}

std::optional<bool> Reader::next_bool() {
  if (!skip() || (token_ != Token::kTrue && token_ != Token::kFalse)) return std::nullopt;
  return token_ == Token::kTrue;
}

bool Reader::is(std::string_view name) const {
  if (token_ != Token::kKey && token_ != Token::kString) return false;
  if (!raw_.contains('\\')) return raw_ == name;
  Text<128> text;
  write_string(text);
  return !text.truncated() && text.view() == name;
}

void Reader::write_string(TextWriter& out) const {
  if (token_ != Token::kKey && token_ != Token::kString) return;
  for (std::size_t i = 0; i < raw_.size(); ++i) {
    if (raw_[i] != '\\') {
      out.put(raw_[i]);
    } else if (const char c = raw_[++i]; c != 'u') {
      out.put(kEscaped[kEscapes.find(c)]);
    } else {
      std::uint32_t code = hex4(raw_.substr(i + 1));
      i += 4;
      if (code >= 0xd800 && code < 0xdc00) {
        code = 0x10000 + ((code - 0xd800) << 10) + (hex4(raw_.substr(i + 3)) - 0xdc00);
        i += 6;
      }
      put_utf8(out, code);
    }
  }
}

std::int64_t Reader::integer(int power) const {
  if (token_ != Token::kNumber) return 0;
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::uint64_t kRoom = std::numeric_limits<std::uint64_t>::max() / 10 - 1;
  constexpr std::int64_t kFar = 1'000'000;  // larger powers are equivalent
  std::uint64_t mantissa = 0;
  std::int64_t exponent = power;
  std::size_t i = raw_[0] == '-' ? 1 : 0;
  bool fraction = false;
  for (; i < raw_.size() && (is_digit(raw_[i]) || raw_[i] == '.'); ++i) {
    if (raw_[i] == '.') {
      fraction = true;
    } else if (mantissa <= kRoom) {
      mantissa = mantissa * 10 + static_cast<std::uint64_t>(raw_[i] - '0');
      exponent -= fraction ? 1 : 0;
    } else {
      exponent += fraction ? 0 : 1;  // digits beyond the nineteenth
    }
  }
  if (i < raw_.size()) {  // e
    ++i;
    const bool minus = raw_[i] == '-';
    std::int64_t given = 0;
    for (; i < raw_.size(); ++i) {
      if (is_digit(raw_[i])) given = std::min(given * 10 + (raw_[i] - '0'), kFar);
    }
    exponent += minus ? -given : given;
  }
  for (; exponent > 0 && mantissa != 0; --exponent) {
    if (mantissa > kRoom) {
      mantissa = std::numeric_limits<std::uint64_t>::max();
      break;
    }
    mantissa *= 10;
  }
  for (; exponent < 0 && mantissa != 0; ++exponent) mantissa /= 10;
  const auto value =
      static_cast<std::int64_t>(std::min(mantissa, static_cast<std::uint64_t>(kMax)));
  return raw_[0] == '-' ? -value : value;
}

}  // namespace fata::json
