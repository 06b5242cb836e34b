#include "rdata_text.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "text.hpp"

namespace fata::dns {

namespace {

using Done = Result<void, TextError>;

Done wrong(std::string_view reason, const Token& token) {
  if (token.kind == Token::Kind::kError) return fail(TextError{token.text, {}});
  return fail(TextError{reason, token.text});
}

// Collects what a field needs from the lexer and writes its wire form.
class FieldParser {
 public:
  FieldParser(Lexer& lexer, Type type, const Name* origin, ByteWriter& out)
      : lexer_(lexer), type_(type), origin_(origin), out_(out) {}

  Done field(char kind) {
    switch (kind) {
      case 'N':
      case 'n':
        return name();
      case '1':
        return integer(1);
      case '2':
        return integer(2);
      case '4':
        return integer(4);
      case 'a':
      case 'A':
        return address(kind == 'a' ? 4 : 16);
      case 'p':
        return period();
      case 'd':
        return date();
      case 'T':
        return covered();
      case 's':
        return string(lexer_.next(), true);
      case 'S':
        return strings();
      case 'c':
        return tag();
      case 'v':
        return string(lexer_.next(), false);
      case 'x':
        return salt();
      case 'h':
        return hashed_owner();
      case 'B':
        return rest<Base64>("base64 is expected here");
      case 'X':
        return rest<HexDigits>("pairs of hex digits are expected here");
      case 'M':
        return bitmap();
      default:
        return parse_parameters(lexer_, out_);
    }
  }

  // RFC 3597: `\#` has been read.
  Done generic() {
    const Token length = lexer_.next();
    std::uint64_t octets = 0;
    if (!length.is_text() || !parse_unsigned(length.text, 65535, octets)) {
      return wrong("after \\# comes the number of octets", length);
    }
    const std::size_t start = out_.position();
    if (const Done done = rest<HexDigits>("pairs of hex digits are expected here", octets == 0); !done)
      return done;
    if (out_.position() - start != octets)
      return wrong("the hex digits after \\# are not as many as it says", length);
    if (!valid_rdata(type_, out_.written().subspan(start))) {
      return wrong("the octets after \\# are not what this type allows", length);
    }
    return {};
  }

 private:
  Done name() {
    const Token token = lexer_.next();
    if (token.kind != Token::Kind::kWord) return wrong("a domain name is missing", token);
    if (token.text == "@") {
      if (origin_ == nullptr) return wrong("@ needs an $ORIGIN before it", token);
      out_.bytes(origin_->wire());
      return {};
    }
    const auto name = Name::from_text(token.text, origin_);
    if (!name) return wrong(Error(name.error()).message(), token);
    out_.bytes(name->wire());
    return {};
  }

  Done integer(unsigned octets) {
    const Token token = lexer_.next();
    std::uint64_t value = 0;
    const std::uint64_t max = (std::uint64_t{1} << (8 * octets)) - 1;
    if (!token.is_text() ||
        (!parse_unsigned(token.text, max, value) && !algorithm(octets, token.text, value))) {
      return wrong(octets == 1   ? "a number from 0 to 255 is expected here"
                   : octets == 2 ? "a number from 0 to 65535 is expected here"
                                 : "a number from 0 to 4294967295 is expected here",
                   token);
    }
    for (unsigned i = octets; i-- != 0;) out_.u8(static_cast<std::uint8_t>(value >> (8 * i)));
    return {};
  }

  // DNSSEC algorithms may be named (RFC 4034 appendix A.1).
  bool algorithm(unsigned octets, std::string_view word, std::uint64_t& value) const {
    struct Named {
      std::string_view name;
      std::uint8_t number;
    };
    static constexpr auto kAlgorithms = std::to_array<Named>({{"RSASHA1", 5},
                                                              {"RSASHA1-NSEC3-SHA1", 7},
                                                              {"RSASHA256", 8},
                                                              {"RSASHA512", 10},
                                                              {"ECDSAP256SHA256", 13},
                                                              {"ECDSAP384SHA384", 14},
                                                              {"ED25519", 15},
                                                              {"ED448", 16}});
    if (octets != 1 || (type_ != Type::kDs && type_ != Type::kDnskey && type_ != Type::kRrsig)) return false;
    for (const Named& named : kAlgorithms) {
      if (same_text(named.name, word)) return value = named.number, true;
    }
    return false;
  }

  Done address(std::size_t octets) {
    const Token token = lexer_.next();
    std::array<std::byte, 16> address;
    const bool ok =
        token.is_text() && (octets == 4 ? parse_ipv4(token.text, address) : parse_ipv6(token.text, address));
    if (!ok)
      return wrong(octets == 4 ? "an IPv4 address is expected here" : "an IPv6 address is expected here",
                   token);
    out_.bytes(Bytes(address).first(octets));
    return {};
  }

  Done period() {
    const Token token = lexer_.next();
    const auto seconds = token.is_text() ? parse_period(token.text) : std::nullopt;
    if (!seconds) return wrong("a period is expected here, as 3600 or 1h", token);
    out_.u32(*seconds);
    return {};
  }

  Done date() {
    const Token token = lexer_.next();
    const auto seconds = token.is_text() ? parse_date(token.text) : std::nullopt;
    if (!seconds) return wrong("a date is expected here, as YYYYMMDDHHmmSS", token);
    out_.u32(*seconds);
    return {};
  }

  Done covered() {
    const Token token = lexer_.next();
    const auto type = token.is_text() ? type_from_text(token.text) : std::nullopt;
    if (!type) return wrong("a record type is expected here", token);
    out_.u16(static_cast<std::uint16_t>(*type));
    return {};
  }

  Done string(const Token& token, bool counted) {
    if (!token.is_text()) return wrong("a string is missing", token);
    const std::size_t start = out_.position();
    if (counted) out_.u8(0);
    for (std::string_view text = token.text; !text.empty();) {
      const int octet = take_octet(text);
      if (octet < 0) return wrong("an escape is neither \\X nor \\DDD (000 to 255)", token);
      out_.u8(static_cast<std::uint8_t>(octet));
    }
    if (!counted || !out_.ok()) return {};
    const std::size_t length = out_.position() - start - 1;
    if (length > 255) return wrong("a string is longer than 255 octets: split it", token);
    out_.written()[start] = static_cast<std::byte>(length);
    return {};
  }

  Done strings() {
    if (const Done done = string(lexer_.next(), true); !done) return done;
    for (Token token = lexer_.next();; token = lexer_.next()) {
      if (!token.is_text()) return lexer_.put_back(token), Done{};
      if (const Done done = string(token, true); !done) return done;
    }
  }

  Done tag() {
    const Token token = lexer_.next();
    const bool ok = token.is_text() && !token.text.empty() && token.text.size() <= 255 &&
                    std::ranges::all_of(token.text, [](char c) {
                      return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
                    });
    if (!ok) return wrong("a property of letters and digits is expected here, as issue", token);
    return string(token, true);
  }

  Done salt() {
    const Token token = lexer_.next();
    if (token.is_word("-")) return out_.u8(0), Done{};
    HexDigits digits;
    const std::size_t start = out_.position();
    out_.u8(0);
    if (!token.is_text() || token.text.size() > 510 || !digits.feed(token.text, out_) || !digits.finish()) {
      return wrong("a salt in hex, or -, is expected here", token);
    }
    if (out_.ok()) out_.written()[start] = static_cast<std::byte>(token.text.size() / 2);
    return {};
  }

  Done hashed_owner() {
    const Token token = lexer_.next();
    const std::size_t start = out_.position();
    out_.u8(0);
    if (!token.is_text() || token.text.empty() || token.text.size() > 408 ||
        !decode_base32hex(token.text, out_)) {
      return wrong("a hash in base32hex is expected here", token);
    }
    if (out_.ok()) out_.written()[start] = static_cast<std::byte>(out_.position() - start - 1);
    return {};
  }

  template <class Decoder>
  Done rest(std::string_view reason, bool may_be_empty = false) {
    Decoder decoder;
    bool any = false;
    for (Token token = lexer_.next();; token = lexer_.next()) {
      if (!token.is_text()) {
        if (token.kind == Token::Kind::kError || (!any && !may_be_empty) || !decoder.finish()) {
          return wrong(reason, token);
        }
        return lexer_.put_back(token), Done{};
      }
      any = true;
      if (!decoder.feed(token.text, out_)) return wrong(reason, token);
    }
  }

  Done bitmap() {
    std::array<std::uint16_t, 256> types;
    std::size_t count = 0;
    Token token = lexer_.next();
    for (; token.is_text(); token = lexer_.next()) {
      const auto type = type_from_text(token.text);
      if (!type) return wrong("a record type is expected here", token);
      if (count == types.size()) return wrong("over 256 types are listed", token);
      types[count++] = static_cast<std::uint16_t>(*type);
    }
    if (token.kind == Token::Kind::kError) return wrong({}, token);
    lexer_.put_back(token);
    const auto listed = std::span(types).first(count);
    sort_short(listed, std::less{});
    for (std::size_t i = 0; i < count;) {
      const unsigned window = listed[i] >> 8;
      std::array<std::byte, 32> bits{};
      std::size_t length = 0;
      for (; i < count && listed[i] >> 8 == window; ++i) {
        const unsigned low = listed[i] & 0xff;
        bits[low / 8] |= static_cast<std::byte>(0x80 >> low % 8);
        length = low / 8 + 1;
      }
      out_.u8(static_cast<std::uint8_t>(window));
      out_.u8(static_cast<std::uint8_t>(length));
      out_.bytes(Bytes(bits).first(length));
    }
    return {};
  }

  Lexer& lexer_;
  Type type_;
  const Name* origin_;
  ByteWriter& out_;
};

}  // namespace

Result<void, TextError> parse_rdata(Lexer& lexer, Type type, const Name* origin, ByteWriter& out) {
  FieldParser parser(lexer, type, origin, out);
  const std::string_view shape = rdata_shape(type);
  const Token first = lexer.next();
  if (first.is_word("\\#")) {
    if (const Done done = parser.generic(); !done) return done;
  } else if (shape.empty()) {
    return wrong("rdata of this type is written as \\# length hex", first);
  } else {
    lexer.put_back(first);
    for (const char kind : shape) {
      if (const Done done = parser.field(kind); !done) return done;
    }
  }
  const Token end = lexer.next();
  if (end.kind == Token::Kind::kError || end.is_text()) return wrong("nothing may follow here", end);
  lexer.put_back(end);
  if (!out.ok()) return fail(TextError{"the rdata is longer than 65535 octets", {}});
  return {};
}

Result<std::size_t, TextError> parse_rdata(Type type, std::string_view text, const Name* origin,
                                           MutableBytes out) {
  Lexer lexer(text);
  ByteWriter writer(out.first(std::min<std::size_t>(out.size(), 65535)));
  if (const Done done = parse_rdata(lexer, type, origin, writer); !done) return fail(done.error());
  return writer.position();
}

}  // namespace fata::dns
