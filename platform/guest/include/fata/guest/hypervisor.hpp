// The seam between what every kernel does (start, panic, parameters, randomness) and what its
// hypervisor differs in. `platform/kvm` and `platform/xen` define the first part, and the rest of
// base/platform.hpp with it: the clocks, the console, polling, idling.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "fata/guest/command_line.hpp"
#include "fata/guest/device.hpp"

namespace fata::guest {

// Called in this order, on the main stack, with interrupts masked.
//
// There is a heap, and nothing else yet. Console and monotonic clock work afterwards.
void start_hypervisor() noexcept;
// Constructors have run; an estimate of the clock's rate may be taken.
void finish_start() noexcept;

// Says that the machine has no source of randomness, and how to give it one.
[[noreturn]] void refuse_without_entropy() noexcept;

// Ends the machine at once; the console should be flushed before.
[[noreturn]] void power_off(int status) noexcept;

// ---- What the hypervisor's platform may use.

// fata_platform_refuse() of the machine layer.
[[noreturn]] void refuse(std::string_view text) noexcept;
const CommandLine& command_line() noexcept;
void request_stop() noexcept;

// All attached devices. `poll` says whether anything was completed; `prepare_to_idle` ends with the
// first that will not.
bool poll_all() noexcept;
bool prepare_all_to_idle() noexcept;

// To be called whenever the image idles: from then on the end of memory is a fault of the image,
// not of who gave it too little.
void note_idle() noexcept;

}  // namespace fata::guest
