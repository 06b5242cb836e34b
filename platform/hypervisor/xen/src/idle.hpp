// Event channel functions that only the platform uses.
#pragma once

#include <cstdint>
#include <span>

#include "abi.hpp"
#include "fata/xen/events.hpp"

namespace fata::xen {

// Sets the page with the bits, and masks them all.
void use_shared_info(shared_info_t& page) noexcept;
// Called after a suspension, when ports are no longer valid.
void forget_ports() noexcept;
// All watched ports.
std::span<Port> watched_ports() noexcept;
// Returns when the bit of one of `ports` is set, or the hypervisor's time has reached `until`.
void wait_for_event(std::span<Port> ports, std::uint64_t until) noexcept;
// Lets the host run until `port`, which exists from the domain's start, has an event, or about 10
// ms have passed.
void wait_a_moment(Port port) noexcept;

}  // namespace fata::xen
