// Rdata: its structure by type, parsing of its presentation text, and its validation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fata/base/bytes.hpp"
#include "fata/base/result.hpp"
#include "fata/dns/name.hpp"
#include "fata/dns/types.hpp"

namespace fata::dns {

// The structure of a type's rdata: one character per field, in order. Empty for opaque types (RFC
// 3597) and for types that hold no data.
//   N a name that may be compressed on output   n a name that may not
//   o like n, but compared with regard to case (not listed in RFC 4034 section 6.2)
//   1 2 4 8 integers of that many octets        a A an IPv4, an IPv6 address
//   p a 32-bit period (SOA)                     d a date (RRSIG)       T a type number
//   g a DNSSEC algorithm   k CERT's type   y DSYNC's scheme: integers of 1, 2, 1 octets with names
//   s a character-string   q an optional one (ISDN)   S one or more of them
//   5 one of digits (X25)
//   x a length octet and hex                    h the same, in base32hex (NSEC3)
//   l a 64-bit locator (ILNP)                   e E a 48-bit, a 64-bit address in hex (EUI)
//   L a location (LOC)                          K IPSECKEY's gateway type, algorithm, gateway
//   R AMTRELAY's relay type, relay
// and, to the end of the rdata:
//   B base64   b the same, or nothing   j the same, or "-" for nothing (DOA)
//   X hex      G NSAP's hex             Y ATMA's address
//   D a digest type and the digest in hex (DS)
//   M a type bitmap   O an old one (NXT)   W protocol and ports (WKS)
//   c CAA's tag (not to the end)   v a value without a length (CAA, URI)
//   P parameters of SVCB   I address prefixes (APL)   H a host identity (HIP)   6 all of A6
std::string_view rdata_shape(Type type);
// The same up to the last name field; empty for most types.
std::string_view shape_to_last_name(Type type);
// True if a zone may hold the type: it is neither reserved nor for queries only (RFC 6895 section
// 3.1).
bool is_data(Type type);
inline constexpr char kCompressedName = 'N';
inline constexpr char kPlainName = 'n';
inline constexpr char kNameWithCase = 'o';
inline constexpr bool is_name_field(char field) {
  return field == kCompressedName || field == kPlainName || field == kNameWithCase;
}
// Octets of a field (not a name) at the start of `at`; nullopt if it does not fit or is malformed.
std::optional<std::size_t> field_length(char field, Bytes at);
// True for types outside RFC 1035 in which a received name may still be compressed (RFC 3597
// section 4).
bool may_arrive_compressed(Type type);

// True if `rdata` (with uncompressed names) is valid for its type; always true for an unknown type.
bool valid_rdata(Type type, Bytes rdata);

// Compares valid rdata of a type. Returns a negative number, 0 for equal meaning, or a positive
// number. Names are compared without regard to case for the types of RFC 4034 section 6.2.
int compare_rdata(Type type, Bytes a, Bytes b);

// An error in presentation text: the reason (static text that names the expected form) and the word
// concerned.
struct TextError {
  std::string_view reason;
  std::string_view word;
};

// Parses the presentation of one record's rdata into `out`; returns its size in octets. Accepts
// `\# length hex` for every type. `origin` completes relative names; may be null.
Result<std::size_t, TextError> parse_rdata(Type type, std::string_view text, const Name* origin,
                                           MutableBytes out);

}  // namespace fata::dns
