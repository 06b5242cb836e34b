// What the platform alone does with event channels.
#pragma once

#include <cstdint>
#include <span>

#include "abi.hpp"
#include "fata/xen/events.hpp"

namespace fata::xen {

// Where the bits are; masks them all.
void use_shared_info(shared_info_t& page) noexcept;
// After the machine was stopped no port is what it was.
void forget_ports() noexcept;
// All that are watched.
std::span<Port> watched_ports() noexcept;
// Returns when the bit of one of `ports` is set, or the hypervisor's time has reached `until`.
void wait_for_event(std::span<Port> ports, std::uint64_t until) noexcept;
// Lets the host run: until `port`, which the domain was born with, has an event, or some 10 ms have
// passed.
void wait_a_moment(Port port) noexcept;

}  // namespace fata::xen
