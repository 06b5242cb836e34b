// Event channel functions that only the platform uses.
#pragma once

#include <cstdint>
#include <span>

#include "abi.hpp"
#include "fata/bus/xen.hpp"

namespace fata::xen {

using namespace bus::xen;

// Sets the page with the bits, and masks them all.
void use_shared_info(shared_info_t& page) noexcept;
// Watches a port that exists from the domain's start. Panics beyond kMaxPorts.
void watch_port(Port port) noexcept;
// Called after a suspension, when ports are no longer valid.
void forget_ports() noexcept;
// All watched ports.
std::span<Port> watched_ports() noexcept;
// Returns when the bit of one of `ports` is set, or the hypervisor's time has reached `until`.
void wait_for_event(std::span<Port> ports, std::uint64_t until) noexcept;

}  // namespace fata::xen
