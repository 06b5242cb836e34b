// Presentation text of rdata, parsed from a lexer.
#pragma once

#include <optional>

#include "fata/dns/rdata.hpp"
#include "lexer.hpp"

namespace fata::dns {

// Reads the rest of the line and writes the wire form to `out`.
Result<void, TextError> parse_rdata(Lexer& lexer, Type type, const Name* origin, ByteWriter& out);

inline constexpr std::uint32_t kMaxTtl = 0x7fffffff;  // RFC 2181 section 8
// Seconds: a number, or numbers with units as in 1h30m (w d h m s, any case); at most `max`.
std::optional<std::uint32_t> parse_period(std::string_view text, std::uint32_t max);
// YYYYMMDDHHmmSS in UTC, or seconds since 1970 (RFC 4034 section 3.2).
std::optional<std::uint32_t> parse_date(std::string_view text);
bool parse_ipv4(std::string_view text, MutableBytes out);  // 4 octets
bool parse_ipv6(std::string_view text, MutableBytes out);  // 16 octets

// Parameters of SVCB and HTTPS up to the end of the line (RFC 9460 section 2.1).
Result<void, TextError> parse_parameters(Lexer& lexer, ByteWriter& out);
// True if keys are ascending and unique, and each value has its key's format (RFC 9460 section
// 2.2).
bool valid_parameters(Bytes parameters);

// Decodes text in pieces; `finish` returns whether the text is complete.
class Base64 {
 public:
  bool feed(std::string_view text, ByteWriter& out);
  bool finish() const {
    // The unused bits of the last digit must be zero (RFC 4648 section 3.5).
    const bool rest_is_zero = (bits_ & ((1U << 2 * padding_) - 1)) == 0;
    return (count_ + padding_) % 4 == 0 && (padding_ == 0 || count_ % 4 >= 2) && rest_is_zero;
  }

 private:
  std::uint32_t bits_ = 0;
  unsigned count_ = 0;
  unsigned padding_ = 0;
};
class HexDigits {
 public:
  bool feed(std::string_view text, ByteWriter& out);
  bool finish() const { return !odd_; }

 private:
  std::uint8_t high_ = 0;
  bool odd_ = false;
};
bool decode_base32hex(std::string_view text, ByteWriter& out);

}  // namespace fata::dns
