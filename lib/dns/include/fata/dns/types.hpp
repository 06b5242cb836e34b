// DNS numbers (IANA "Domain Name System Parameters") and their mnemonics.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fata/base/error.hpp"
#include "fata/base/text.hpp"

namespace fata::dns {

enum class Type : std::uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kHinfo = 13,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kSrv = 33,
  kNaptr = 35,
  kDname = 39,
  kOpt = 41,
  kDs = 43,
  kSshfp = 44,
  kRrsig = 46,
  kNsec = 47,
  kDnskey = 48,
  kNsec3 = 50,
  kNsec3param = 51,
  kTlsa = 52,
  kSvcb = 64,
  kHttps = 65,
  kTkey = 249,
  kTsig = 250,
  kIxfr = 251,
  kAxfr = 252,
  kMailb = 253,
  kMaila = 254,
  kAny = 255,
  kCaa = 257,
};

enum class Class : std::uint16_t { kIn = 1, kCh = 3, kHs = 4, kNone = 254, kAny = 255 };

enum class Rcode : std::uint16_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kYxDomain = 6,
  kBadVers = 16,
  kBadCookie = 23,
};

// "A", "mx", "TYPE65280"; nothing else.
std::optional<Type> type_from_text(std::string_view text);
// "IN", "ch", "CLASS32"; nothing else.
std::optional<Class> class_from_text(std::string_view text);
void write_text(TextWriter& out, Type type);

// Errors in DNS messages and text.
enum class Errc : std::uint32_t {
  kTruncated = 1,  // the message ends inside a field
  kBadLabel,       // a label type other than a plain label or a pointer, or a label over 63 octets
  kBadPointer,     // a compression pointer that does not point backwards
  kNameTooLong,    // over 255 octets
  kEmptyLabel,     // "a..b"
  kBadEscape,      // "\" at the end, or \DDD over 255
  kRelativeName,   // a name without a final dot and without an origin
  kBadRdata,       // rdata invalid for its type
  kNoRoom,         // the output does not fit
};
const ErrorDomain& error_domain(Errc);

}  // namespace fata::dns
