// Event channels: one bit each, set by the other end or the hypervisor.
//
// Events never interrupt: all stay masked and the loop polls their bits. An idle image waits in the
// hypervisor for any watched port or for a deadline (SCHEDOP_poll).
#pragma once

#include <cstdint>

#include "fata/base/result.hpp"

namespace fata::xen {

using Domain = std::uint16_t;
using Port = std::uint32_t;

// The maximum number of watched ports: the limit of one hypercall.
inline constexpr unsigned kMaxPorts = 128;

// Opens and watches a port that `remote` may bind to.
Result<Port> open_port(Domain remote) noexcept;
// Connects to a port that `remote` opened for this domain, and watches it.
Result<Port> connect_port(Domain remote, Port remote_port) noexcept;
void close_port(Port port) noexcept;
// Watches a port that exists from the domain's start. Panics beyond kMaxPorts.
void watch_port(Port port) noexcept;

void notify(Port port) noexcept;
// Clears the port's bit; true if it was set.
bool take_event(Port port) noexcept;

}  // namespace fata::xen
