// What ends the idle wait when a device has completed something. The board defines the functions.
#pragma once

#include <cstdint>

namespace fata::bus {

// Makes an edge on the interrupt controller's pin (virtio_mmio's IRQ) end the idle wait. Returns
// false if the pin does not exist.
bool connect_pin(unsigned irq) noexcept;

// The write with which a device raises an interrupt: the content of an MSI-X table entry.
struct MsiMessage {
  std::uint64_t address;
  std::uint32_t data;
};
// Returns a message that ends the idle wait. Every call uses up one of 62 vectors.
MsiMessage connect_msi() noexcept;

}  // namespace fata::bus
