#include "fata/bus/found.hpp"
#include "fata/bus/memory.hpp"

namespace fata::bus {

// Weak here: an image without a driver for devices on PCI does not link the search.
[[gnu::weak]] void find_on_pci(FoundDevices& found) noexcept;

void find_on_machine(FoundDevices& found) noexcept {
  constexpr std::size_t kMagicValue = 0, kVersion = 4, kDeviceId = 8;
  constexpr std::uint32_t kMagic = 0x74726976;  // "virt"
  for (FoundDevice& slot : found.all()) {
    if (slot.size < kSlotSize) continue;
    volatile void* const base = map_device(slot.number, kSlotSize);
    if (base == nullptr) continue;
    const Registers registers(base);
    if (registers.read<std::uint32_t>(kMagicValue) != kMagic) continue;
    slot.kind = static_cast<DeviceKind>(registers.read<std::uint32_t>(kDeviceId));
    if (registers.read<std::uint32_t>(kVersion) != 2) slot.kind = legacy(slot.kind);
  }
  if (find_on_pci != nullptr) find_on_pci(found);
}

}  // namespace fata::bus
