// Errors of Xen and of the other domain.
#pragma once

#include <cstdint>

#include "fata/base/result.hpp"

namespace fata::bus::xen {

enum class Errc : std::uint32_t {
  kRefused = 1,  // the hypervisor refused a call; the detail is its error number
  kNoDevice,     // the domain has no such device
  kNotFound,     // no such node in xenstore
  kDenied,       // no right to that node
  kAgain,        // a transaction that conflicted with another
  kStore,        // any other error of xenstore
  kTooLong,      // a path or value beyond xenstore's limit
  kBackend,      // the backend closed the connection, or offers too little
  kBroken,       // the backend broke the protocol: the device is no longer used
  kNoGrants,     // the grant table is full
  kExhausted,    // too many requests at once
};
const ErrorDomain& error_domain(Errc) noexcept;

}  // namespace fata::bus::xen
