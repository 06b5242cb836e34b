#include "fata/bus/pci.hpp"

#include "fata/arch/cpu.hpp"
#include "fata/bus/pci_walk.hpp"

namespace fata::bus {
namespace {
constexpr std::uint16_t kAddressPort = 0xcf8, kDataPort = 0xcfc;

void select(PciAddress at, std::uint8_t offset) {
  arch::out32(kAddressPort, 0x80000000U | std::uint32_t{at.bus} << 16 |
                                std::uint32_t{at.device} << 11 | std::uint32_t{at.function} << 8 |
                                (offset & 0xfcU));
}

}  // namespace

std::uint32_t pci_read32(PciAddress at, std::uint8_t offset) noexcept {
  select(at, offset);
  return arch::in32(kDataPort);
}
std::uint16_t pci_read16(PciAddress at, std::uint8_t offset) noexcept {
  select(at, offset);
  return arch::in16(static_cast<std::uint16_t>(kDataPort + (offset & 2)));
}
std::uint8_t pci_read8(PciAddress at, std::uint8_t offset) noexcept {
  select(at, offset);
  return arch::in8(static_cast<std::uint16_t>(kDataPort + (offset & 3)));
}
void pci_write32(PciAddress at, std::uint8_t offset, std::uint32_t value) noexcept {
  select(at, offset);
  arch::out32(kDataPort, value);
}
void pci_write16(PciAddress at, std::uint8_t offset, std::uint16_t value) noexcept {
  select(at, offset);
  arch::out16(static_cast<std::uint16_t>(kDataPort + (offset & 2)), value);
}

void for_each_pci(PciVisitor visit, void* context) noexcept {
  // The address port reads back a written value only if there is a PCI host bridge (not on
  // microvm).
  arch::out32(kAddressPort, 0x80000000U);
  if (arch::in32(kAddressPort) == 0x80000000U) walk_pci(visit, context);
}

}  // namespace fata::bus
