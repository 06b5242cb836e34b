// What the concepts for working with another domain of the same host (grant_table.hpp,
// event_channels.hpp, xenstore.hpp) share.
#pragma once

#include <cstdint>

#include "fata/base/result.hpp"

namespace fata::sig {

// The number of a domain; 0 is the host's own.
using DomainId = std::uint16_t;

enum class DomainErrc : std::uint32_t {
  kNotFound = 1,  // no such node; no such domain
  kDenied,        // no right to it
  kAgain,         // a transaction met another one: do all of it again
  kTooLong,       // a path or value beyond what xenstore takes
  kExhausted,     // a table or quota is full
  kBadReference,  // a grant or port that was not offered to this domain
  kBroken,        // the other side of xenstore breaks the protocol
  kGone,          // this domain, or what was waited for, is no more
  kRefused,       // anything else that the hypervisor refuses; the detail is its number
};
const ErrorDomain& error_domain(DomainErrc) noexcept;

}  // namespace fata::sig
