// The interface between the code that all kernels share (start, panic, parameters, randomness) and
// the hypervisor's platform. `platform/kvm` and `platform/xen` define the first part, and with it
// the rest of base/platform.hpp: clocks, console, polling, idling.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "fata/guest/command_line.hpp"
#include "fata/guest/device.hpp"

namespace fata::guest {

// Called in this order, on the main stack, with interrupts masked.
//
// Only the heap exists. Console and monotonic clock must work afterwards.
void start_hypervisor() noexcept;
// Constructors have run. The platform may now estimate the clock's rate.
void finish_start() noexcept;

// Reports that the machine has no source of randomness, and how to add one.
[[noreturn]] void refuse_without_entropy() noexcept;

// Ends the machine at once; flush the console before.
[[noreturn]] void power_off(int status) noexcept;

// ---- For use by the hypervisor's platform.

// fata_platform_refuse() of the machine layer.
[[noreturn]] void refuse(std::string_view text) noexcept;
const CommandLine& command_line() noexcept;
void request_stop() noexcept;

// All attached devices. `poll_all` returns true if anything was completed; `prepare_all_to_idle`
// stops at the first device that returns false.
bool poll_all() noexcept;
bool prepare_all_to_idle() noexcept;

// Called whenever the image idles. From then on, running out of memory counts as a fault of the
// image, not as too little memory for the machine.
void note_idle() noexcept;

}  // namespace fata::guest
