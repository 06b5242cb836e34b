// Devices with registers in memory that no bus lists. The board defines the function.
#pragma once

#include <span>

#include "fata/kernel/command_line.hpp"

namespace fata::bus {

// The virtio devices that the machine described.
std::span<const kernel::MmioDevice> mmio_devices() noexcept;

}  // namespace fata::bus
