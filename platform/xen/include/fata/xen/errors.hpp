// What Xen and the other domain can answer.
#pragma once

#include <cstdint>

#include "fata/base/result.hpp"

namespace fata::xen {

enum class Errc : std::uint32_t {
  kRefused = 1,  // the hypervisor refused a call; the detail is its error number
  kNoDevice,     // the domain was given no such device
  kNotFound,     // no such node in xenstore
  kDenied,       // no right to that node
  kAgain,        // a transaction that met another one
  kStore,        // any other error of xenstore
  kTooLong,      // a path or value beyond what xenstore takes
  kBackend,      // the backend closed the connection, or offers too little
  kBroken,       // the backend broke the protocol: the device is no longer used
  kNoGrants,     // the table of grants is full
  kExhausted,    // too many requests at once
};
const ErrorDomain& error_domain(Errc) noexcept;

}  // namespace fata::xen
