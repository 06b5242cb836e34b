#include "lexer.hpp"

namespace fata::dns {

namespace {
bool ends_word(char c) {
  switch (c) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case ';':
    case '(':
    case ')':
      return true;
    default:
      return false;
  }
}
}  // namespace

Token Lexer::next(bool parameter) {
  if (has_kept_) {
    has_kept_ = false;
    return kept_;
  }
  line_ = next_line_;
  while (position_ < text_.size()) {
    const char c = text_[position_];
    switch (c) {
      case ' ':
      case '\t':
      case '\r':
        ++position_;
        break;
      case '\n':
        ++position_;
        ++next_line_;
        if (depth_ == 0) return {Token::Kind::kEndOfLine, {}};
        line_ = next_line_;
        break;
      case ';':
        while (position_ < text_.size() && text_[position_] != '\n') ++position_;
        break;
      case '(':
        if (depth_++ == 0) open_line_ = line_;
        if (depth_ > 64) return error("parentheses are nested too deeply");
        ++position_;
        break;
      case ')':
        if (depth_-- == 0) return depth_ = 0, ++position_, error("a ')' has no '(' before it");
        ++position_;
        break;
      case '"':
        return quoted();
      default:
        return word(parameter);
    }
  }
  if (depth_ != 0) {
    depth_ = 0;
    line_ = open_line_;
    return error("a '(' is never closed");
  }
  return {Token::Kind::kEnd, {}};
}

Token Lexer::quoted() {
  const std::size_t start = ++position_;
  for (; position_ < text_.size() && text_[position_] != '\n'; ++position_) {
    if (text_[position_] == '"')
      return {Token::Kind::kQuoted, text_.substr(start, position_++ - start)};
    if (text_[position_] == '\\' && position_ + 1 < text_.size() && text_[position_ + 1] != '\n')
      ++position_;
  }
  return error("a quoted string does not end in its line");
}

// A quote ends a word and starts a string; a parameter's value may be quoted as a whole.
Token Lexer::word(bool parameter) {
  const std::size_t start = position_;
  for (; position_ < text_.size(); ++position_) {
    const char c = text_[position_];
    if (c == '"') {
      if (!parameter || text_[position_ - 1] != '=') break;
      const Token value = quoted();
      if (value.kind == Token::Kind::kError) return value;
      break;
    }
    if (ends_word(c)) break;
    if (c == '\\' && position_ + 1 < text_.size() && text_[position_ + 1] != '\n') ++position_;
  }
  return {Token::Kind::kWord, text_.substr(start, position_ - start)};
}

}  // namespace fata::dns
