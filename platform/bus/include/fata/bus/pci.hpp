// PCI configuration space, and the search for devices. The board defines these functions; a machine
// without PCI has no functions, and all its registers read as all ones.
#pragma once

#include <cstdint>

namespace fata::bus {

struct PciAddress {
  std::uint8_t bus = 0, device = 0, function = 0;
};
// Absent devices read as all ones.
std::uint32_t pci_read32(PciAddress at, std::uint8_t offset) noexcept;
std::uint16_t pci_read16(PciAddress at, std::uint8_t offset) noexcept;
std::uint8_t pci_read8(PciAddress at, std::uint8_t offset) noexcept;
void pci_write32(PciAddress at, std::uint8_t offset, std::uint32_t value) noexcept;
void pci_write16(PciAddress at, std::uint8_t offset, std::uint16_t value) noexcept;

// Calls `visit(context, PciAddress, vendor, device)` for every function on bus 0, and on the buses
// behind its bridges.
using PciVisitor = void (*)(void* context, PciAddress at, std::uint16_t vendor,
                            std::uint16_t device);
void for_each_pci(PciVisitor visit, void* context) noexcept;

}  // namespace fata::bus
