// Reader: pulls the tokens of one JSON text (RFC 8259), strictly: valid UTF-8, no comments, no
// trailing commas, nothing after the value. Allocates nothing; accepts at most kMaxDepth levels of
// nesting.
//
//   Reader in(text);
//   if (in.next() != Token::kObject) ...
//   while (in.next() == Token::kKey) {
//     if (in.is("port")) port = in.next_integer();
//     else in.skip();
//   }
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fata/base/text.hpp"

namespace fata::json {

enum class Token : std::uint8_t {
  kObject,
  kObjectEnd,
  kArray,
  kArrayEnd,
  kKey,
  kString,
  kNumber,
  kTrue,
  kFalse,
  kNull,
  kEnd,    // end of the text; repeated on every call
  kError,  // syntax error at position(); repeated on every call
};

class Reader {
 public:
  static constexpr unsigned kMaxDepth = 32;

  // Keeps views of the text.
  explicit Reader(std::string_view text) : text_(text) {}

  Token next();
  // Skips the next value, including nested values; false on an error or if no value follows.
  bool skip();
  // Returns the next value if it has that type. Otherwise, skips the value and returns nullopt.
  std::optional<std::int64_t> next_integer(int power = 0);
  std::optional<bool> next_bool();

  Token token() const { return token_; }  // the last result of next()
  std::size_t position() const { return at_; }

  // For a key or string as the last token: compares its text, or writes it with escapes decoded.
  bool is(std::string_view name) const;
  void write_string(TextWriter& out) const;
  // For a number as the last token: its value times ten to the `power`, truncated towards zero and
  // clamped to the type's range.
  std::int64_t integer(int power = 0) const;

 private:
  enum class Expect : std::uint8_t { kValue, kFirstValue, kKey, kFirstKey, kMore, kNothing };

  Token fail() { return at_ = start_, failed_ = true, token_ = Token::kError; }
  void skip_space();
  Token value(char first);
  Token open(bool object);
  Token close(bool object);
  Token word(std::string_view rest, Token token);
  Token number();
  bool string();  // reads from after the first quote to after the last; false on an error
  bool escape();
  bool utf8(unsigned char first);
  Token done(Token token);

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;      // of the token
  std::string_view raw_;       // of a string: between its quotes; of a number: all of it
  std::uint32_t objects_ = 0;  // one bit per level: object or array
  unsigned depth_ = 0;
  Expect expect_ = Expect::kValue;
  Token token_ = Token::kEnd;
  bool failed_ = false;
};

}  // namespace fata::json
