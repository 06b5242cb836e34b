// Parses the presentation of one record's rdata, field by field, by its type's shape.
#pragma once

#include <array>

#include "rdata_text.hpp"

namespace fata::dns {

// The number of `word` in "NAME=1 OTHER=2"; false if it is not listed.
bool named_number(std::string_view names, std::string_view word, std::uint64_t& out);

// Reads a field's tokens from the lexer and writes its wire form. Functions that return false have
// set the error.
class FieldParser {
 public:
  FieldParser(Lexer& lexer, Type type, const Name* origin, ByteWriter& out)
      : lexer_(lexer), type_(type), origin_(origin), out_(out) {}

  bool record(std::string_view shape);
  const TextError& error() const { return error_; }

 private:
  bool take() {
    token_ = lexer_.next();
    return token_.is_text();
  }
  bool take_word() { return take() && token_.kind == Token::Kind::kWord; }
  bool wrong(std::string_view reason) {
    error_ = token_.kind == Token::Kind::kError ? TextError{token_.text, {}}
                                                : TextError{reason, token_.text};
    return false;
  }

  bool field(char kind);
  bool number(unsigned octets, char kind);
  bool generic();
  bool number_follows() const;
  bool parameters();
  bool name();
  bool address(std::size_t octets);
  bool period();
  bool date();
  bool covered();
  bool string(bool counted);  // from the current token_
  bool strings();
  bool tag();
  bool salt();
  bool hashed_owner();
  bool bitmap();

  // Rarely used types.
  bool rare_field(char kind);
  bool optional_string();
  bool digest();
  bool psdn_address();
  bool data_or_dash();
  bool locator();
  bool hardware_address(unsigned octets);
  bool nsap();
  bool atm_address();
  bool services();
  bool old_bitmap();
  void set_bit(std::size_t start, unsigned number);
  bool prefixes();
  bool prefix();
  bool gateway(char kind);
  bool gateway_address(unsigned kind);
  bool host_identity();
  bool a6();
  bool location();
  bool angle(std::string_view signs, std::uint32_t max_degrees);
  bool altitude();
  bool precision(bool& more, std::uint8_t& out);

  // The rest of the line: several words that form one text.
  template <class Decoder>
  bool rest(std::string_view reason, bool may_be_empty = false) {
    Decoder decoder;
    while (take()) {
      may_be_empty = true;
      if (!decoder.feed(token_.text, out_)) return wrong(reason);
    }
    if (token_.kind == Token::Kind::kError || !may_be_empty || !decoder.finish())
      return wrong(reason);
    lexer_.put_back(token_);
    return true;
  }

  Token token_;  // the last token read
  TextError error_;
  std::uint64_t value_ = 0;  // the last number read
  Lexer& lexer_;
  Type type_;
  const Name* origin_;
  ByteWriter& out_;
};

}  // namespace fata::dns
