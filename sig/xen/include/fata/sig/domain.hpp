// Types shared by the concepts for cooperation with another domain of the same host
// (grant_table.hpp, event_channels.hpp, xenstore.hpp).
#pragma once

#include <cstdint>

#include "fata/base/result.hpp"

namespace fata::sig {

// The number of a domain; 0 is the control domain (dom0).
using DomainId = std::uint16_t;

enum class DomainErrc : std::uint32_t {
  kNotFound = 1,  // no such node; no such domain
  kDenied,        // no permission
  kAgain,         // the transaction conflicted with another: repeat all of it
  kTooLong,       // a path or value beyond xenstore's limits
  kExhausted,     // a table or quota is full
  kBadReference,  // a grant or port that was not offered to this domain
  kBroken,        // the xenstore daemon violated the protocol
  kGone,          // this domain, or the awaited object, no longer exists
  kRefused,       // any other refusal by the hypervisor; the detail is its error number
};
const ErrorDomain& error_domain(DomainErrc) noexcept;

}  // namespace fata::sig
