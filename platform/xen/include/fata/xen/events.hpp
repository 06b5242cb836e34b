// Event channels: one bit each, set by the other end or the hypervisor.
//
// No event ever interrupts: all stay masked, the loop looks at their bits, and an idle image waits
// in the hypervisor for any of those it was told to watch, or a moment (SCHEDOP_poll).
#pragma once

#include <cstdint>

#include "fata/base/result.hpp"

namespace fata::xen {

using Domain = std::uint16_t;
using Port = std::uint32_t;

// Most ports that may be watched: what one call of the hypervisor takes.
inline constexpr unsigned kMostPorts = 128;

// A port that `remote` may bind to; it is watched.
Result<Port> open_port(Domain remote) noexcept;
// Connects to a port that `remote` opened for this domain; it is watched.
Result<Port> connect_port(Domain remote, Port remote_port) noexcept;
void close_port(Port port) noexcept;
// Watches a port that the domain was born with. Panics beyond kMostPorts.
void watch_port(Port port) noexcept;

void notify(Port port) noexcept;
// Whether the port's bit was set; it is cleared.
bool take_event(Port port) noexcept;

}  // namespace fata::xen
