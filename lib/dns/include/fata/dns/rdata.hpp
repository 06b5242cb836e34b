// Rdata: what each type's rdata is made of, its presentation text to wire bytes, and its check.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fata/base/bytes.hpp"
#include "fata/base/result.hpp"
#include "fata/dns/name.hpp"
#include "fata/dns/types.hpp"

namespace fata::dns {

// One character a field, in order; empty for a type that we do not know (its rdata is opaque, RFC 3597).
//   N a name that may be compressed on output   n a name that may not
//   1 2 4 integers of so many octets            a A an IPv4, an IPv6 address
//   p a 32-bit period (SOA)                     d a date (RRSIG)       T a type number
//   s a character-string                        S one or more of them
//   x a length octet and hex                    h the same, in base32hex (NSEC3)
//   B the rest, in base64                       X the rest, in hex
//   M a type bitmap                             c CAA's tag            v CAA's value
//   P parameters of SVCB
std::string_view rdata_shape(Type type);
inline constexpr char kCompressedName = 'N';
inline constexpr char kPlainName = 'n';
inline constexpr bool is_name_field(char field) { return field == kCompressedName || field == kPlainName; }
// Octets of a field (not a name) at the start of `at`; nothing if it does not fit or is malformed.
std::optional<std::size_t> field_length(char field, Bytes at);
// Types outside RFC 1035 in which a received name may still be compressed (RFC 3597 section 4).
bool may_arrive_compressed(Type type);

// Whether `rdata` (with uncompressed names) is what its type allows; any bytes are for an unknown type.
bool valid_rdata(Type type, Bytes rdata);

// What is wrong with a presentation: a reason (static text that says what is expected) and the word it is
// about.
struct TextError {
  std::string_view reason;
  std::string_view word;
};

// Parses the presentation of one record's rdata into `out`; says how many octets it has. Accepts `\# length
// hex` for every type. `origin` completes relative names; null if there is none.
Result<std::size_t, TextError> parse_rdata(Type type, std::string_view text, const Name* origin,
                                           MutableBytes out);

}  // namespace fata::dns
