// Reads what a name server answers to one question.
#pragma once

#include <cstdint>

#include "fata/base/bytes.hpp"
#include "fata/dns/message.hpp"
#include "fata/sig/records.hpp"

namespace fata::resolver {

struct Answer {
  enum class Kind : std::uint8_t {
    kRecords,   // `records` holds the records of the type
    kNoData,    // the name exists without such records; `records.ttl` may be 0
    kNotFound,  // NXDOMAIN
    kAlias,     // the answer ends with an alias for `target`, which must be queried next
    kFailed,    // an RCODE that reports a failure
    kBad,       // malformed, a loop of aliases, or more than a set can hold
  };
  Kind kind = Kind::kBad;
  unsigned rcode = 0;
  dns::Name target;  // the end of the chain of aliases
  sig::RecordSet records;
};

// Aliases in one answer.
inline constexpr std::size_t kMaxChain = 16;
// Records of an answer section; a longer one is kBad.
inline constexpr std::size_t kMaxAnswerRecords = 1024;
// Octets of a set.
inline constexpr std::size_t kMaxSet = 65535;
// Longest time that an answer is valid, in seconds: a week; three hours for negative answers
// (RFC 2308 section 5).
inline constexpr std::uint32_t kMaxTtl = 7 * 86400, kMaxNegativeTtl = 3 * 3600;

// The part of a response that identifies its query.
struct Echo {
  dns::Header header;
  dns::Question question;  // its name with the case of the response
};
// An error unless the message is a response to a standard query with one question.
Result<Echo, dns::Errc> read_echo(Bytes message);

// Follows the chain of aliases from `name` (RFC 1034 section 3.6.2) and collects the records of
// `type` at its end. Everything else in the message is ignored: a server's answer to one question
// never defines another name. A negative answer's TTL is that of the SOA record (RFC 2308 section
// 5), if its owner is the end of the chain or above it; 0 without one.
Answer read_answer(Bytes message, const dns::Name& name, dns::Type type);

}  // namespace fata::resolver
