#include <algorithm>
#include <array>

#include "field_parser.hpp"
#include "text.hpp"

namespace fata::dns {

bool FieldParser::record(std::string_view shape) {
  take();
  if (token_.is_word("\\#") && (shape.empty() || number_follows())) {
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

bool FieldParser::field(char kind) {
  switch (kind) {
    case 'N':
    case 'n':
    case 'o':
      return name();
    case '1':
    case 'g':
    case 'y':
      return number(1, kind);
    case '2':
    case 'k':
      return number(2, kind);
    case '4':
      return number(4, kind);
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
    case 'b':
      return rest<Base64>("base64 is expected here", kind == 'b');
    case 'X':
      return rest<HexDigits>("pairs of hex digits are expected here");
    case 'M':
      return bitmap();
    case 'P':
      return parameters();
    default:
      return rare_field(kind);
  }
}

// A `\#` without a number after it is an ordinary word, as in TXT \# text.
bool FieldParser::number_follows() const {
  const Token next = Lexer(lexer_).next();
  return next.kind == Token::Kind::kWord && is_digit(next.text.front());
}

// RFC 3597, after `\#`.
bool FieldParser::generic() {
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

bool FieldParser::parameters() {
  const auto done = parse_parameters(lexer_, out_);
  if (!done) error_ = done.error();
  return done.has_value();
}

bool FieldParser::name() {
  if (!take_word()) return wrong("a domain name is missing");
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

namespace {
// Named numbers by kind of field (IANA's registries, with the spellings of RFC 4034 appendix A.1
// and of other servers).
std::string_view mnemonics(char kind) {
  switch (kind) {
    case 'g':
      return "RSAMD5=1 DH=2 DSA=3 ECC=4 RSASHA1=5 DSA-NSEC3-SHA1=6 NSEC3DSA=6 "
             "RSASHA1-NSEC3-SHA1=7 NSEC3RSASHA1=7 RSASHA256=8 RSASHA512=10 ECC-GOST=12 "
             "ECCGOST=12 ECDSAP256SHA256=13 ECDSA256=13 ECDSAP384SHA384=14 ECDSA384=14 "
             "ED25519=15 ED448=16 INDIRECT=252 PRIVATEDNS=253 PRIVATEOID=254";
    case 'k':
      return "PKIX=1 SPKI=2 PGP=3 IPKIX=4 ISPKI=5 IPGP=6 ACPKIX=7 IACPKIX=8 URI=253 OID=254";
    case 'y':
      return "NOTIFY=1";
    case 'D':
      return "SHA1=1 SHA-1=1 SHA256=2 SHA-256=2 GOST=3 SHA384=4 SHA-384=4";
    default:
      return {};
  }
}
}  // namespace

bool named_number(std::string_view names, std::string_view word, std::uint64_t& out) {
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    const std::string_view item = names.substr(0, end);
    names.remove_prefix(std::min(end + 1, names.size()));
    const std::size_t equals = item.find('=');
    if (same_text(item.substr(0, equals), word))
      return parse_unsigned(item.substr(equals + 1), 65535, out);
  }
  return false;
}

bool FieldParser::number(unsigned octets, char kind) {
  const std::uint64_t max = ~std::uint64_t{0} >> (64 - 8 * octets);
  const bool ok = take() && (parse_unsigned(token_.text, max, value_) ||
                             named_number(mnemonics(kind), token_.text, value_));
  if (!ok) {
    return wrong(octets == 1   ? "a number from 0 to 255 is expected here"
                 : octets == 2 ? "a number from 0 to 65535 is expected here"
                 : octets == 4 ? "a number from 0 to 4294967295 is expected here"
                               : "a number of at most 64 bits is expected here");
  }
  for (unsigned i = octets; i-- != 0;) out_.u8(static_cast<std::uint8_t>(value_ >> (8 * i)));
  return true;
}

namespace {
bool has_leading_zero(std::string_view address) {
  bool starts = true;  // at the start of a number
  for (std::size_t i = 0; i + 1 < address.size(); ++i) {
    if (starts && address[i] == '0' && is_digit(address[i + 1])) return true;
    starts = address[i] == '.';
  }
  return false;
}
}  // namespace

bool FieldParser::address(std::size_t octets) {
  std::array<std::byte, 16> address;
  const bool ok =
      take() && (octets == 4 ? parse_ipv4(token_.text, address) : parse_ipv6(token_.text, address));
  if (!ok && octets == 4 && has_leading_zero(token_.text))
    return wrong("an IPv4 address has no leading zeros: some readers take them for octal");
  if (!ok)
    return wrong(octets == 4 ? "an IPv4 address is expected here"
                             : "an IPv6 address is expected here");
  out_.bytes(Bytes(address).first(octets));
  return true;
}

bool FieldParser::period() {
  const auto seconds = take() ? parse_period(token_.text, 0xffffffff) : std::nullopt;
  if (!seconds) return wrong("a period is expected here, as 3600 or 1h");
  out_.u32(*seconds);
  return true;
}

bool FieldParser::date() {
  const auto seconds = take() ? parse_date(token_.text) : std::nullopt;
  if (!seconds) return wrong("a date is expected here, as YYYYMMDDHHmmSS");
  out_.u32(*seconds);
  return true;
}

bool FieldParser::covered() {
  const auto type = take() ? type_from_text(token_.text) : std::nullopt;
  if (!type) return wrong("a record type is expected here");
  out_.u16(static_cast<std::uint16_t>(*type));
  return true;
}

bool FieldParser::string(bool counted) {
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

bool FieldParser::strings() {
  take();
  do {
    if (!string(true)) return false;
  } while (take());
  lexer_.put_back(token_);
  return true;
}

bool FieldParser::tag() {
  const bool ok = take() && !token_.text.empty() && token_.text.size() <= 255 &&
                  std::ranges::all_of(token_.text, [](char c) {
                    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
                  });
  if (!ok) return wrong("a property of letters and digits is expected here, as issue");
  return string(true);
}

bool FieldParser::salt() {
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

bool FieldParser::hashed_owner() {
  const std::size_t start = out_.position();
  out_.u8(0);
  if (!take() || token_.text.empty() || token_.text.size() > 408 ||
      !decode_base32hex(token_.text, out_)) {
    return wrong("a hash in base32hex is expected here");
  }
  if (out_.ok()) out_.written()[start] = static_cast<std::byte>(out_.position() - start - 1);
  return true;
}

// The wire form needs ascending windows of 256 types, but types may come in any order: the list is
// read once per window, which means once for nearly all lists.
bool FieldParser::bitmap() {
  const Lexer list = lexer_;
  bool more = true;
  for (unsigned least = 0; more;) {  // the lowest remaining window
    lexer_ = list;
    more = false;
    unsigned window = 256;
    std::array<std::byte, 32> bits{};
    std::size_t length = 0;
    while (take()) {
      const auto type = type_from_text(token_.text);
      if (!type) return wrong("a record type is expected here");
      const unsigned high = static_cast<unsigned>(*type) >> 8,
                     low = static_cast<unsigned>(*type) & 0xff;
      if (high < least) continue;
      more |= window != 256 && high != window;
      if (high > window) continue;
      if (high < window) bits = {}, length = 0, window = high;
      bits[low / 8] |= static_cast<std::byte>(0x80 >> low % 8);
      length = std::max<std::size_t>(length, low / 8 + 1);
    }
    if (token_.kind == Token::Kind::kError) return wrong("");
    if (window == 256) break;
    out_.u8(static_cast<std::uint8_t>(window));
    out_.u8(static_cast<std::uint8_t>(length));
    out_.bytes(Bytes(bits).first(length));
    least = window + 1;
  }
  lexer_.put_back(token_);
  return true;
}

Result<void, TextError> parse_rdata(Lexer& lexer, Type type, const Name* origin, ByteWriter& out) {
  FieldParser parser(lexer, type, origin, out);
  if (!parser.record(rdata_shape(type))) return fail(parser.error());
  return {};
}

Result<std::size_t, TextError> parse_rdata(Type type, std::string_view text, const Name* origin,
                                           MutableBytes out) {
  Lexer lexer(text);
  ByteWriter writer(out.first(std::min<std::size_t>(out.size(), 65535)));
  if (const auto done = parse_rdata(lexer, type, origin, writer); !done) return fail(done.error());
  return writer.position();
}

}  // namespace fata::dns
