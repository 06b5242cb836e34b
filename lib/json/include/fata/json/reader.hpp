// Reader: pulls the tokens of one JSON text (RFC 8259), strictly: valid UTF-8, no comments, no
// trailing commas, nothing after the value. It allocates nothing and nests at most kMostDepth deep.
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
  kEnd,    // of the text; again and again
  kError,  // the text is wrong at position(); again and again
};

class Reader {
 public:
  static constexpr unsigned kMostDepth = 32;

  // Keeps views of the text.
  explicit Reader(std::string_view text) : text_(text) {}

  Token next();
  // Reads the next value with all that is in it; false at an error or where no value is next.
  bool skip();
  // The next value, if it is of that kind; anything else is read over and gives nothing.
  std::optional<std::int64_t> next_integer(int power = 0);
  std::optional<bool> next_bool();

  Token token() const { return token_; }  // what next() gave last
  std::size_t position() const { return at_; }

  // Of the last token, if it is a key or a string: whether it says so, and its text with the
  // escapes undone.
  bool is(std::string_view name) const;
  void write_string(TextWriter& out) const;
  // Of the last token, if it is a number: its value times ten to the `power`, cut towards zero, and
  // at the bounds of the type.
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
  bool string();  // from behind the first quote to behind the last; false if it is wrong
  bool escape();
  bool utf8(unsigned char first);
  Token done(Token token);

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;      // of the token
  std::string_view raw_;       // of a string between its quotes, of a number all
  std::uint32_t objects_ = 0;  // a bit for each level: an object, or an array
  unsigned depth_ = 0;
  Expect expect_ = Expect::kValue;
  Token token_ = Token::kEnd;
  bool failed_ = false;
};

}  // namespace fata::json
