// The interface between the code that all kernels share (startup, panic, parameters, randomness)
// and the hypervisor's platform. Each folder of platform/hypervisor defines the first part of this
// header and the rest of base/platform.hpp: clocks, console, polling, idling.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "fata/bus/device_list.hpp"

namespace fata::kernel {

// The next two functions are called in this order, on the main stack, with interrupts masked.
//
// When it is called, only the heap exists. When it returns, the console and the monotonic clock
// must work.
void start_hypervisor() noexcept;
// Called after the constructors. The platform may now estimate the clock's rate.
void finish_start() noexcept;

// Reports that the machine has no source of randomness, and how to add one.
[[noreturn]] void refuse_without_entropy() noexcept;

// Powers the machine off at once. The caller must have flushed the console.
[[noreturn]] void power_off(int status) noexcept;

// ---- For use by the hypervisor's platform.

// Calls fata_platform_refuse() of the machine layer.
[[noreturn]] void refuse(std::string_view text) noexcept;
void request_stop() noexcept;

// All attached devices.
bus::DeviceList& devices() noexcept;

// Called whenever the image idles. From then on, running out of memory counts as a fault of the
// image, not as too little memory for the machine.
void note_idle() noexcept;

}  // namespace fata::kernel
