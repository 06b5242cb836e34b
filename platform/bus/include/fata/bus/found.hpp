// What discovery found: one list of values, whatever described the devices (words of the command
// line, PCI configuration space, xenstore). A driver claims a device of its kind by number, and
// opens it by where it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fata/bus/pci.hpp"

namespace fata::bus {

// The values are virtio's device IDs (virtio 1.2, section 5). Devices of other kinds are listed,
// too, and never claimed.
enum class DeviceKind : std::uint32_t { kUnknown = 0, kNic = 1, kDisk = 2, kEntropy = 4 };

// The kind of a device that is older than virtio 1.0: no driver takes it.
constexpr DeviceKind legacy(DeviceKind kind) {
  return static_cast<DeviceKind>(static_cast<std::uint32_t>(kind) | 0x80000000);
}

struct FoundDevice {
  enum class Bus : std::uint8_t { kMmio, kPci, kXen };
  DeviceKind kind{};
  Bus bus = Bus::kMmio;
  PciAddress pci{};          // of a device on PCI
  std::uint32_t irq = 0;     // of a slot: a pin of the interrupt controller
  std::uint32_t size = 0;    // of a slot's registers
  std::uint64_t number = 0;  // the address of a slot's registers; a frontend's "device/vif/NUMBER"
};

// At most kMax devices; more are ignored.
class FoundDevices {
 public:
  static constexpr std::size_t kMax = 64;

  void add(const FoundDevice& device) {
    if (count_ != kMax) devices_[count_++] = device;
  }
  // Removes the devices of that kind, so that their discovery can be repeated.
  void forget(DeviceKind kind);
  // The nth device of that kind in the order of discovery. Null if there are fewer.
  const FoundDevice* nth(DeviceKind kind, unsigned n) const;
  std::span<const FoundDevice> all() const { return std::span(devices_).first(count_); }
  std::span<FoundDevice> all() { return std::span(devices_).first(count_); }

 private:
  std::array<FoundDevice, kMax> devices_{};
  std::size_t count_ = 0;
};

// The list of this machine or domain, defined by the kernel. A machine's devices are found when it
// starts; a domain's when a driver claims one (bus::xen::find_devices()).
FoundDevices& found_devices() noexcept;

// The registers of a virtio device in a slot (virtio 1.2, section 4.2.2), and more of its
// configuration than is read.
inline constexpr std::uint32_t kSlotSize = 512;

// Completes the list of a machine, which holds the slots of the command line: reads each slot's
// kind from its registers, and adds the virtio devices on PCI. A slot without the registers of a
// virtio device remains unknown.
void find_on_machine(FoundDevices& found) noexcept;

}  // namespace fata::bus
