// What the hypervisor provides to a domain of Xen, and defines: event channels, page numbers
// and pages of other domains. An event channel is one bit, set by the other end or the hypervisor.
//
// Events never interrupt: all stay masked and the loop polls their bits. An idle image waits in the
// hypervisor for any watched port or for a deadline (SCHEDOP_poll).
#pragma once

#include <cstdint>

#include "fata/base/result.hpp"

namespace fata::bus::xen {

using Domain = std::uint16_t;
using Port = std::uint32_t;
using GrantRef = std::uint32_t;
using MapHandle = std::uint32_t;

// The maximum number of watched ports: the limit of one hypercall.
inline constexpr unsigned kMaxPorts = 128;

// Opens and watches a port that `remote` may bind to.
Result<Port> open_port(Domain remote) noexcept;
// Connects to a port that `remote` opened for this domain, and watches it.
Result<Port> connect_port(Domain remote, Port remote_port) noexcept;
void close_port(Port port) noexcept;
// True while the other end exists.
bool is_connected(Port port) noexcept;

void notify(Port port) noexcept;
// Clears the port's bit; true if it was set.
bool take_event(Port port) noexcept;
// Lets the host run until `port`, which exists from the domain's start, has an event, or about 10
// ms have passed.
void wait_a_moment(Port port) noexcept;

// The number of the page that contains `memory` (heap or static).
std::uint64_t frame_of(const volatile void* memory) noexcept;

// Returns a page of our heap to the hypervisor for good: its address remains, for map_page().
bool surrender_page(void* page) noexcept;
// Maps a page that `from` granted at the address of a surrendered page. Fails with sig::DomainErrc.
Result<MapHandle> map_page(void* at, Domain from, GrantRef ref, bool read_only) noexcept;
void unmap_page(void* at, MapHandle handle) noexcept;

}  // namespace fata::bus::xen
