#include "rdata_text.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "text.hpp"

namespace fata::dns {

namespace {

using Done = Result<void, TextError>;

// Collects what a field needs from the lexer and writes its wire form. What answers false has noted what is
// wrong.
class FieldParser {
 public:
  FieldParser(Lexer& lexer, Type type, const Name* origin, ByteWriter& out)
      : lexer_(lexer), type_(type), origin_(origin), out_(out) {}

  bool record(std::string_view shape) {
    take();
    if (token_.is_word("\\#")) {
      if (!generic()) return false;
    } else if (shape.empty()) {
      return wrong("rdata of this type is written as \\# length hex");
    } else {
      lexer_.put_back(token_);
      for (const char kind : shape) {
        if (!field(kind)) return false;
      }
    }
    if (take() || token_.kind == Token::Kind::kError) return wrong("nothing may follow here");
    lexer_.put_back(token_);
    if (out_.ok()) return true;
    error_ = {"the rdata is longer than 65535 octets", {}};
    return false;
  }
  const TextError& error() const { return error_; }

 private:
  bool take() {
    token_ = lexer_.next();
    return token_.is_text();
  }
  bool wrong(const char* reason) {
    error_ = token_.kind == Token::Kind::kError ? TextError{token_.text, {}} : TextError{reason, token_.text};
    return false;
  }

  bool field(char kind) {
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
        return take(), string(true);
      case 'S':
        return strings();
      case 'c':
        return tag();
      case 'v':
        return take(), string(false);
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
        return parameters();
    }
  }

  // RFC 3597: `\#` has been read.
  bool generic() {
    std::uint64_t octets = 0;
    if (!take() || !parse_unsigned(token_.text, 65535, octets))
      return wrong("after \\# comes the number of octets");
    const Token length = token_;
    const std::size_t start = out_.position();
    if (!rest<HexDigits>("pairs of hex digits are expected here", octets == 0)) return false;
    token_ = length;
    if (out_.position() - start != octets)
      return wrong("the hex digits after \\# are not as many as it says");
    if (!valid_rdata(type_, out_.written().subspan(start)))
      return wrong("the octets after \\# are not what this type allows");
    return true;
  }

  bool parameters() {
    const Done done = parse_parameters(lexer_, out_);
    if (!done) error_ = done.error();
    return done.has_value();
  }

  bool name() {
    take();
    if (token_.kind != Token::Kind::kWord) return wrong("a domain name is missing");
    if (token_.text == "@") {
      if (origin_ == nullptr) return wrong("@ needs an $ORIGIN before it");
      out_.bytes(origin_->wire());
      return true;
    }
    const auto name = Name::from_text(token_.text, origin_);
    if (!name) {
      error_ = {Error(name.error()).message(), token_.text};
      return false;
    }
    out_.bytes(name->wire());
    return true;
  }

  bool integer(unsigned octets) {
    std::uint64_t value = 0;
    const std::uint64_t max = (std::uint64_t{1} << (8 * octets)) - 1;
    if (!take() || (!parse_unsigned(token_.text, max, value) && !algorithm(octets, token_.text, value))) {
      return wrong(octets == 1   ? "a number from 0 to 255 is expected here"
                   : octets == 2 ? "a number from 0 to 65535 is expected here"
                                 : "a number from 0 to 4294967295 is expected here");
    }
    for (unsigned i = octets; i-- != 0;) out_.u8(static_cast<std::uint8_t>(value >> (8 * i)));
    return true;
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

  bool address(std::size_t octets) {
    std::array<std::byte, 16> address;
    const bool ok =
        take() && (octets == 4 ? parse_ipv4(token_.text, address) : parse_ipv6(token_.text, address));
    if (!ok)
      return wrong(octets == 4 ? "an IPv4 address is expected here" : "an IPv6 address is expected here");
    out_.bytes(Bytes(address).first(octets));
    return true;
  }

  bool period() {
    const auto seconds = take() ? parse_period(token_.text) : std::nullopt;
    if (!seconds) return wrong("a period is expected here, as 3600 or 1h");
    out_.u32(*seconds);
    return true;
  }

  bool date() {
    const auto seconds = take() ? parse_date(token_.text) : std::nullopt;
    if (!seconds) return wrong("a date is expected here, as YYYYMMDDHHmmSS");
    out_.u32(*seconds);
    return true;
  }

  bool covered() {
    const auto type = take() ? type_from_text(token_.text) : std::nullopt;
    if (!type) return wrong("a record type is expected here");
    out_.u16(static_cast<std::uint16_t>(*type));
    return true;
  }

  // Of the token_ that was taken.
  bool string(bool counted) {
    if (!token_.is_text()) return wrong("a string is missing");
    const std::size_t start = out_.position();
    if (counted) out_.u8(0);
    for (std::string_view text = token_.text; !text.empty();) {
      const int octet = take_octet(text);
      if (octet < 0) return wrong("an escape is neither \\X nor \\DDD (000 to 255)");
      out_.u8(static_cast<std::uint8_t>(octet));
    }
    if (!counted || !out_.ok()) return true;
    const std::size_t length = out_.position() - start - 1;
    if (length > 255) return wrong("a string is longer than 255 octets: split it");
    out_.written()[start] = static_cast<std::byte>(length);
    return true;
  }

  bool strings() {
    take();
    do {
      if (!string(true)) return false;
    } while (take());
    lexer_.put_back(token_);
    return true;
  }

  bool tag() {
    const bool ok = take() && !token_.text.empty() && token_.text.size() <= 255 &&
                    std::ranges::all_of(token_.text, [](char c) {
                      return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
                    });
    if (!ok) return wrong("a property of letters and digits is expected here, as issue");
    return string(true);
  }

  bool salt() {
    const bool text = take();
    if (token_.is_word("-")) return out_.u8(0), true;
    HexDigits digits;
    const std::size_t start = out_.position();
    out_.u8(0);
    if (!text || token_.text.size() > 510 || !digits.feed(token_.text, out_) || !digits.finish()) {
      return wrong("a salt in hex, or -, is expected here");
    }
    if (out_.ok()) out_.written()[start] = static_cast<std::byte>(token_.text.size() / 2);
    return true;
  }

  bool hashed_owner() {
    const std::size_t start = out_.position();
    out_.u8(0);
    if (!take() || token_.text.empty() || token_.text.size() > 408 || !decode_base32hex(token_.text, out_)) {
      return wrong("a hash in base32hex is expected here");
    }
    if (out_.ok()) out_.written()[start] = static_cast<std::byte>(out_.position() - start - 1);
    return true;
  }

  template <class Decoder>
  bool rest(const char* reason, bool may_be_empty = false) {
    Decoder decoder;
    while (take()) {
      may_be_empty = true;
      if (!decoder.feed(token_.text, out_)) return wrong(reason);
    }
    if (token_.kind == Token::Kind::kError || !may_be_empty || !decoder.finish()) return wrong(reason);
    lexer_.put_back(token_);
    return true;
  }

  bool bitmap() {
    std::array<std::uint16_t, 256> types;
    std::size_t count = 0;
    while (take()) {
      const auto type = type_from_text(token_.text);
      if (!type) return wrong("a record type is expected here");
      if (count == types.size()) return wrong("over 256 types are listed");
      types[count++] = static_cast<std::uint16_t>(*type);
    }
    if (token_.kind == Token::Kind::kError) return wrong("");
    lexer_.put_back(token_);
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
    return true;
  }

  Token token_;  // the last one taken
  TextError error_;
  Lexer& lexer_;
  Type type_;
  const Name* origin_;
  ByteWriter& out_;
};

}  // namespace

Result<void, TextError> parse_rdata(Lexer& lexer, Type type, const Name* origin, ByteWriter& out) {
  FieldParser parser(lexer, type, origin, out);
  if (!parser.record(rdata_shape(type))) return fail(parser.error());
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
