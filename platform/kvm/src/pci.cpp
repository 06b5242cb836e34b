#include "fata/kvm/device.hpp"
#include "fata/machine/cpu.hpp"

namespace fata::kvm {
namespace {
constexpr std::uint16_t kAddressPort = 0xcf8, kDataPort = 0xcfc;

void select(PciAddress at, std::uint8_t offset) {
  machine::out32(kAddressPort, 0x80000000U | std::uint32_t{at.bus} << 16 | std::uint32_t{at.device} << 11 |
                                   std::uint32_t{at.function} << 8 | (offset & 0xfcU));
}

void visit_bus(std::uint8_t bus, unsigned depth, PciVisitor visit, void* context) {
  for (std::uint8_t device = 0; device < 32; ++device) {
    for (std::uint8_t function = 0; function < 8; ++function) {
      const PciAddress at{bus, device, function};
      const std::uint32_t id = pci_read32(at, 0);
      const bool absent = (id & 0xffff) == 0xffff;
      const std::uint8_t kind = absent ? 0 : pci_read8(at, 0x0e);
      if (!absent) visit(context, at, static_cast<std::uint16_t>(id), static_cast<std::uint16_t>(id >> 16));
      if ((kind & 0x7f) == 1 && depth < 4) {
        const std::uint8_t behind = pci_read8(at, 0x19);
        if (behind > bus) visit_bus(behind, depth + 1, visit, context);
      }
      if (function == 0 && (kind & 0x80) == 0) break;
    }
  }
}
}  // namespace

std::uint32_t pci_read32(PciAddress at, std::uint8_t offset) noexcept {
  select(at, offset);
  return machine::in32(kDataPort);
}
std::uint16_t pci_read16(PciAddress at, std::uint8_t offset) noexcept {
  select(at, offset);
  return machine::in16(static_cast<std::uint16_t>(kDataPort + (offset & 2)));
}
std::uint8_t pci_read8(PciAddress at, std::uint8_t offset) noexcept {
  select(at, offset);
  return machine::in8(static_cast<std::uint16_t>(kDataPort + (offset & 3)));
}
void pci_write32(PciAddress at, std::uint8_t offset, std::uint32_t value) noexcept {
  select(at, offset);
  machine::out32(kDataPort, value);
}
void pci_write16(PciAddress at, std::uint8_t offset, std::uint16_t value) noexcept {
  select(at, offset);
  machine::out16(static_cast<std::uint16_t>(kDataPort + (offset & 2)), value);
}

void for_each_pci(PciVisitor visit, void* context) noexcept {
  // The address port reads back what was written only where there is a PCI host bridge (not on microvm).
  machine::out32(kAddressPort, 0x80000000U);
  if (machine::in32(kAddressPort) == 0x80000000U) visit_bus(0, 0, visit, context);
}

}  // namespace fata::kvm
