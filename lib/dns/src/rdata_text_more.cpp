// Fields of rarely used types.
#include <algorithm>
#include <array>

#include "field_parser.hpp"
#include "text.hpp"

namespace fata::dns {

bool FieldParser::rare_field(char kind) {
  switch (kind) {
    case '8':
      return number(8, kind);
    case 'q':
      return optional_string();
    case 'D':
      return digest();
    case '5':
      return psdn_address();
    case 'j':
      return data_or_dash();
    case 'l':
      return locator();
    case 'e':
    case 'E':
      return hardware_address(kind == 'e' ? 6 : 8);
    case 'G':
      return nsap();
    case 'Y':
      return atm_address();
    case 'W':
      return services();
    case 'O':
      return old_bitmap();
    case 'I':
      return prefixes();
    case 'K':
    case 'R':
      return gateway(kind);
    case 'H':
      return host_identity();
    case '6':
      return a6();
    default:
      return location();
  }
}

bool FieldParser::optional_string() {
  if (take()) return string(true);
  lexer_.put_back(token_);
  return true;
}

bool FieldParser::digest() {
  const std::size_t start = out_.position();
  if (!number(1, 'D')) return false;
  const Token named = token_;
  if (!rest<HexDigits>("pairs of hex digits are expected here")) return false;
  token_ = named;
  if (out_.ok() && !field_length('D', out_.written().subspan(start)))
    return wrong("the digest is not as long as digests of its type are");
  return true;
}

// RFC 1183 section 3.1.
bool FieldParser::psdn_address() {
  if (!take() || token_.text.size() < 4 || !std::ranges::all_of(token_.text, is_digit))
    return wrong("an address of four digits or more is expected here");
  return string(true);
}

bool FieldParser::data_or_dash() {
  if (!take()) return wrong("base64 or - is expected here");
  if (token_.is_word("-")) return true;
  lexer_.put_back(token_);
  return rest<Base64>("base64 is expected here");
}

// Four groups of up to four hex digits, as 14:4fff:ff20:ee64 (RFC 6742 section 2.1.2).
bool FieldParser::locator() {
  constexpr const char* kReason = "a locator is expected here, as 14:4fff:ff20:ee64";
  if (!take()) return wrong(kReason);
  HexDigits digits;
  std::string_view text = token_.text;
  for (unsigned i = 0; i < 4; ++i) {
    const std::size_t colon = i < 3 ? text.find(':') : text.size();
    if (colon == std::string_view::npos || colon == 0 || colon > 4) return wrong(kReason);
    const bool ok = digits.feed(std::string_view("0000").substr(colon), out_) &&
                    digits.feed(text.substr(0, colon), out_);
    if (!ok) return wrong(kReason);
    text.remove_prefix(colon + (i < 3 ? 1 : 0));
  }
  return true;
}

// Hex octets separated by hyphens (RFC 7043); a single digit is accepted.
bool FieldParser::hardware_address(unsigned octets) {
  bool ok = take();
  HexDigits digits;
  std::string_view text = token_.text;
  for (std::size_t i = 1; ok && i <= octets; ++i) {
    const std::size_t size = std::min(text.find('-'), text.size());
    ok = (size == 1 || size == 2) && (i < octets) == (size < text.size()) &&
         (size == 2 || digits.feed("0", out_)) && digits.feed(text.substr(0, size), out_);
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  if (!ok) return wrong("octets in hex are expected here, as 00-00-5e-00-53-2a");
  return true;
}

// RFC 1706 section 5: hex after 0x, with optional dots anywhere.
bool FieldParser::nsap() {
  constexpr const char* kReason = "an NSAP is expected here, as 0x47.0005.80";
  if (!take() || !same_text(token_.text.substr(0, 2), "0x")) return wrong(kReason);
  HexDigits digits;
  const std::size_t start = out_.position();
  for (std::size_t i = 2; i < token_.text.size(); ++i) {
    if (token_.text[i] != '.' && !digits.feed(token_.text.substr(i, 1), out_))
      return wrong(kReason);
  }
  if (!digits.finish() || out_.position() == start) return wrong(kReason);
  return true;
}

// ATM Forum af-dans-0152.000 section 3: +digits (E.164), or hex (an end system address), both with
// dots.
bool FieldParser::atm_address() {
  constexpr const char* kReason = "an ATM address is expected here: hex, or + and digits";
  if (!take()) return wrong(kReason);
  std::string_view text = token_.text;
  const bool is_number = text.starts_with('+');
  if (is_number) text.remove_prefix(1);
  if (text.empty() || text.front() == '.' || text.back() == '.') return wrong(kReason);
  out_.u8(is_number ? 1 : 0);
  HexDigits digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.') {
      if (text[i - 1] == '.') return wrong(kReason);
    } else if (is_number) {
      if (!is_digit(text[i])) return wrong(kReason);
      out_.u8(static_cast<std::uint8_t>(text[i]));
    } else if (!digits.feed(text.substr(i, 1), out_)) {
      return wrong(kReason);
    }
  }
  return digits.finish() || wrong(kReason);
}

void FieldParser::set_bit(std::size_t start, unsigned number) {
  const std::size_t octet = start + number / 8;
  if (octet >= out_.position()) out_.zeros(octet + 1 - out_.position());
  if (out_.ok()) out_.written()[octet] |= static_cast<std::byte>(0x80 >> number % 8);
}

// WKS (RFC 1035 section 3.4.2).
bool FieldParser::services() {
  constexpr std::string_view kProtocols =
      "ICMP=1 IGMP=2 GGP=3 TCP=6 EGP=8 UDP=17 IPV6-ICMP=58 SCTP=132";
  constexpr std::string_view kServices =
      "TCPMUX=1 RJE=5 ECHO=7 DISCARD=9 SYSTAT=11 DAYTIME=13 NETSTAT=15 QOTD=17 CHARGEN=19 "
      "FTP-DATA=20 FTP=21 SSH=22 TELNET=23 SMTP=25 TIME=37 WHOIS=43 NICNAME=43 DOMAIN=53 BOOTPS=67 "
      "BOOTPC=68 TFTP=69 GOPHER=70 FINGER=79 HTTP=80 KERBEROS=88 POP3=110 SUNRPC=111 AUTH=113 "
      "NNTP=119 NTP=123 IMAP2=143 IMAP=143 SNMP=161 SNMP-TRAP=162 IRC=194 LDAP=389 HTTPS=443 "
      "SYSLOG=514 DOMAIN-S=853 IMAPS=993 POP3S=995";
  const bool ok = take() && (parse_unsigned(token_.text, 255, value_) ||
                             named_number(kProtocols, token_.text, value_));
  if (!ok) return wrong("a protocol is expected here, as TCP or 6");
  out_.u8(static_cast<std::uint8_t>(value_));
  const std::size_t start = out_.position();
  while (take()) {
    if (!parse_unsigned(token_.text, 65535, value_) &&
        !named_number(kServices, token_.text, value_))
      return wrong("a port is expected here, as 25 or SMTP");
    set_bit(start, static_cast<unsigned>(value_));
  }
  if (token_.kind == Token::Kind::kError) return wrong("");
  lexer_.put_back(token_);
  return true;
}

bool FieldParser::old_bitmap() {
  const std::size_t start = out_.position();
  while (take()) {
    const auto type = type_from_text(token_.text);
    const auto number = type ? static_cast<unsigned>(*type) : 0;
    if (number == 0 || number > 127) return wrong("a record type up to TYPE127 is expected here");
    set_bit(start, number);
  }
  if (token_.kind == Token::Kind::kError) return wrong("");
  lexer_.put_back(token_);
  return true;
}

bool FieldParser::prefixes() {
  while (take()) {
    if (!prefix())
      return wrong("an address prefix is expected here, as 1:192.0.2.0/24 or !2:2001:db8::/32");
  }
  if (token_.kind == Token::Kind::kError) return wrong("");
  lexer_.put_back(token_);
  return true;
}

// The current token_ as a prefix (RFC 3123 section 5).
bool FieldParser::prefix() {
  std::string_view text = token_.text;
  const bool negated = text.starts_with('!');
  if (negated) text.remove_prefix(1);
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const bool is_v4 = text.starts_with("1:");
  if (!is_v4 && !text.starts_with("2:")) return false;
  std::array<std::byte, 16> address{};
  const std::string_view word = text.substr(2, slash - 2);
  if (!(is_v4 ? parse_ipv4(word, address) : parse_ipv6(word, address))) return false;
  if (!parse_unsigned(text.substr(slash + 1), is_v4 ? 32 : 128, value_)) return false;
  std::size_t octets = is_v4 ? 4 : 16;
  while (octets != 0 && address[octets - 1] == std::byte{0}) --octets;
  out_.u16(is_v4 ? 1 : 2);
  out_.u8(static_cast<std::uint8_t>(value_));
  out_.u8(static_cast<std::uint8_t>(octets | (negated ? 0x80 : 0)));
  out_.bytes(Bytes(address).first(octets));
  return true;
}

// IPSECKEY: type, algorithm, gateway (RFC 4025). AMTRELAY: discovery, type, relay (RFC 8777).
bool FieldParser::gateway(char kind) {
  unsigned discovery = 0;
  if (kind == 'R') {
    if (!take() || !parse_unsigned(token_.text, 1, value_)) return wrong("0 or 1 is expected here");
    discovery = static_cast<unsigned>(value_);
  }
  if (!take() || !parse_unsigned(token_.text, 3, value_))
    return wrong("a gateway's kind is expected here, from 0 to 3");
  const auto form = static_cast<unsigned>(value_);
  out_.u8(static_cast<std::uint8_t>(form | discovery << 7));
  if (kind == 'K' && !number(1, '1')) return false;
  return gateway_address(form);
}

bool FieldParser::gateway_address(unsigned kind) {
  if (kind == 1 || kind == 2) return address(kind == 1 ? 4 : 16);
  if (kind == 3) return name();
  return (take() && token_.is_word(".")) || wrong("no gateway is written as .");
}

// RFC 8005 section 6.
bool FieldParser::host_identity() {
  const std::size_t start = out_.position();
  out_.u8(0);
  if (!number(1, '1')) return false;
  out_.u16(0);
  const std::size_t tag_at = out_.position();
  HexDigits digits;
  if (!take() || token_.text.empty() || token_.text.size() > 510 ||
      !digits.feed(token_.text, out_) || !digits.finish()) {
    return wrong("a host identity tag in hex is expected here");
  }
  const std::size_t key_at = out_.position();
  Base64 key;
  if (!take() || token_.text.empty() || !key.feed(token_.text, out_) || !key.finish())
    return wrong("base64 is expected here");
  if (out_.ok()) {
    out_.written()[start] = static_cast<std::byte>(key_at - tag_at);
    out_.patch_u16(start + 2, static_cast<std::uint16_t>(out_.position() - key_at));
  }
  while (take()) {
    lexer_.put_back(token_);
    if (!name()) return false;
  }
  lexer_.put_back(token_);
  return true;
}

// RFC 2874 section 3.
bool FieldParser::a6() {
  if (!take() || !parse_unsigned(token_.text, 128, value_))
    return wrong("a number from 0 to 128 is expected here");
  const std::size_t prefix = value_;
  out_.u8(static_cast<std::uint8_t>(prefix));
  if (prefix != 128) {
    std::array<std::byte, 16> address;
    if (!take() || !parse_ipv6(token_.text, address))
      return wrong("an IPv6 address is expected here");
    address[prefix / 8] &= static_cast<std::byte>(0xff >> prefix % 8);
    out_.bytes(Bytes(address).subspan(prefix / 8));
  }
  return prefix == 0 || name();
}

namespace {
// A number with up to `decimals` digits after the point, in units of the last digit.
bool parse_decimal(std::string_view text, unsigned decimals, std::uint64_t max,
                   std::uint64_t& out) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string_view fraction = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (whole.empty() && fraction.empty()) return false;
  out = 0;
  if (!whole.empty() && !parse_unsigned(whole, max, out)) return false;
  if (fraction.size() > decimals) return false;
  for (unsigned i = 0; i < decimals; ++i) {
    const char digit = fraction.empty() ? '0' : fraction.front();
    if (!is_digit(digit)) return false;
    out = out * 10 + static_cast<unsigned>(digit - '0');
    fraction.remove_prefix(fraction.empty() ? 0 : 1);
  }
  return out <= max;
}

std::string_view without_unit(std::string_view text) {
  if (text.ends_with('m')) text.remove_suffix(1);
  return text;
}
}  // namespace

// Degrees, optional minutes and seconds, then one of two signs; encoded in thousandths of a second
// relative to 2^31 (RFC 1876 section 2).
bool FieldParser::angle(std::string_view signs, std::uint32_t max_degrees) {
  constexpr std::uint64_t kHour = 3'600'000;
  constexpr const char* kReason = "degrees are expected here, as 52 22 23.000 N";
  if (!take() || !parse_unsigned(token_.text, max_degrees, value_)) return wrong(kReason);
  std::uint64_t total = value_ * kHour;
  for (unsigned part = 0; take_word(); ++part) {
    const std::size_t sign =
        token_.text.size() == 1 ? signs.find(token_.text.front()) : std::string_view::npos;
    if (sign != std::string_view::npos) {
      if (total > max_degrees * kHour) break;
      out_.u32(static_cast<std::uint32_t>(sign == 0 ? 0x80000000U + total : 0x80000000U - total));
      return true;
    }
    const bool ok = part == 0   ? parse_unsigned(token_.text, 59, value_)
                    : part == 1 ? parse_decimal(token_.text, 3, 59'999, value_)
                                : false;
    if (!ok) break;
    total += part == 0 ? value_ * 60'000 : value_;
  }
  return wrong(kReason);
}

// Centimetres, relative to 100 km below the reference spheroid.
bool FieldParser::altitude() {
  constexpr std::uint64_t kBase = 10'000'000;
  bool ok = take();
  std::string_view text = without_unit(token_.text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  ok = ok && parse_decimal(text, 2, negative ? kBase : 0xffffffff - kBase, value_);
  if (!ok) return wrong("an altitude from -100000.00m to 42849672.95m is expected here");
  out_.u32(static_cast<std::uint32_t>(negative ? kBase - value_ : kBase + value_));
  return true;
}

// Centimetres as a digit and a power of ten; optional.
bool FieldParser::precision(bool& more, std::uint8_t& out) {
  more = more && take();
  if (!more) return true;
  std::uint64_t centimetres = 0;
  if (!parse_decimal(without_unit(token_.text), 2, 9'999'999'999U, centimetres))
    return wrong("a size from 0.00m to 99999999.99m is expected here");
  unsigned power = 0;
  for (; centimetres > 9; centimetres /= 10) ++power;
  out = static_cast<std::uint8_t>(centimetres << 4 | power);
  return true;
}

// RFC 1876 section 3. The sizes are last in the text, and first on the wire.
bool FieldParser::location() {
  const std::size_t start = out_.position();
  out_.u32(0);
  if (!angle("NS", 90) || !angle("EW", 180) || !altitude()) return false;
  std::array<std::uint8_t, 3> sizes{0x12, 0x16, 0x13};
  bool more = true;
  for (std::uint8_t& size : sizes) {
    if (!precision(more, size)) return false;
  }
  if (!more) lexer_.put_back(token_);
  for (std::size_t i = 0; out_.ok() && i < sizes.size(); ++i)
    out_.written()[start + 1 + i] = static_cast<std::byte>(sizes[i]);
  return true;
}

}  // namespace fata::dns
