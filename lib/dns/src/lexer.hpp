// Splits master-file text into words (RFC 1035 section 5.1). Handles comments, parentheses and
// quotes; escape sequences are left in the words for the caller to decode.
#pragma once

#include <cstdint>
#include <string_view>

namespace fata::dns {

struct Token {
  enum class Kind : std::uint8_t { kWord, kQuoted, kEndOfLine, kEnd, kError };
  Kind kind = Kind::kEnd;
  std::string_view text;  // a quoted string without its quotes; for kError the reason (static text)

  bool is_text() const { return kind == Kind::kWord || kind == Kind::kQuoted; }
  bool is_word(std::string_view word) const { return kind == Kind::kWord && text == word; }
};

class Lexer {
 public:
  // Skips the byte order mark that some editors write.
  explicit Lexer(std::string_view text) : text_(text) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  }

  Token next() { return next(false); }
  // The same for an SVCB parameter: a word that may have a quoted part, as in alpn="h2,h3".
  Token next_parameter() { return next(true); }
  // Puts a token back; next() returns it again.
  void put_back(const Token& token) { kept_ = token, has_kept_ = true; }
  // True if a blank replaces the next entry's owner. Call only at the start of a line.
  bool at_blank() const {
    return position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t');
  }
  // True if a '(' before the last token is still open.
  bool in_parentheses() const { return depth_ != 0; }
  // The line of the outermost '(' that is still open, 0 if there is none.
  std::uint32_t open_line() const { return depth_ != 0 ? open_line_ : 0; }
  // The line of the last token, from 1.
  std::uint32_t line() const { return line_; }

 private:
  Token error(std::string_view reason) { return {Token::Kind::kError, reason}; }
  Token next(bool parameter);
  Token quoted();
  Token word(bool parameter);

  std::string_view text_;
  std::size_t position_ = 0;
  std::uint32_t line_ = 1;
  std::uint32_t next_line_ = 1;
  std::uint32_t open_line_ = 0;
  unsigned depth_ = 0;
  bool has_kept_ = false;
  Token kept_;
};

}  // namespace fata::dns
