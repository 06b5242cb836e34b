#include "fata/bus/pci_device.hpp"

namespace fata::bus {
namespace {

// Registers of the configuration space (PCI 3.0, section 6.1).
constexpr std::uint8_t kFirstBar = 0x10, kSubsystemId = 0x2e;
constexpr std::uint32_t kIoSpace = 1, kIs64Bit = 4;

// Virtio devices (virtio 1.2, section 4.1.2).
constexpr std::uint16_t kVendor = 0x1af4, kModernBase = 0x1040;

}  // namespace

std::uint64_t bar_address(PciAddress at, std::uint8_t bar) noexcept {
  if (bar > 5) return 0;
  const auto offset = static_cast<std::uint8_t>(kFirstBar + 4 * bar);
  const std::uint32_t low = pci_read32(at, offset);
  if ((low & kIoSpace) != 0) return 0;
  std::uint64_t address = low & ~std::uint32_t{0xf};
  if ((low & kIs64Bit) != 0 && bar < 5)
    address |= std::uint64_t{pci_read32(at, static_cast<std::uint8_t>(offset + 4))} << 32;
  return address;
}

void find_on_pci(FoundDevices& found) noexcept {
  for_each_pci(
      [](void* to, PciAddress at, std::uint16_t vendor, std::uint16_t device) {
        if (vendor != kVendor) return;
        // Transitional devices (0x1000 to 0x103f) have their type in the subsystem ID; they have
        // the modern interface, too.
        const std::uint32_t kind = device < kModernBase ? pci_read16(at, kSubsystemId)
                                                        : std::uint32_t{device} - kModernBase;
        static_cast<FoundDevices*>(to)->add(
            {.kind = static_cast<DeviceKind>(kind), .bus = FoundDevice::Bus::kPci, .pci = at});
      },
      &found);
}

}  // namespace fata::bus
