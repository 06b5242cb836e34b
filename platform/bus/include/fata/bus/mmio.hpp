// Devices with registers in memory that no bus lists. The board defines the function.
#pragma once

#include <cstdint>
#include <span>

namespace fata::bus {

// A virtio device behind memory-mapped registers.
struct MmioDevice {
  std::uint64_t base = 0;
  std::uint64_t size = 0;
  std::uint32_t irq = 0;
};

// The virtio devices that the machine described.
std::span<const MmioDevice> mmio_devices() noexcept;

}  // namespace fata::bus
