#include "transports.hpp"

namespace fata::virtio {

Result<std::unique_ptr<Transport>> open_device(const bus::FoundDevice& found) {
  if (found.bus == bus::FoundDevice::Bus::kPci) return open_pci(found.pci);
  return open_mmio(found);
}

Result<std::unique_ptr<Transport>> claim_device(bus::DeviceKind kind, unsigned nth) {
  const bus::FoundDevices& devices = bus::found_devices();
  if (const bus::FoundDevice* const found = devices.nth(kind, nth)) return open_device(*found);
  const bool is_legacy = devices.nth(bus::legacy(kind), 0) != nullptr;
  return fail(Error(is_legacy ? Errc::kLegacyDevice : Errc::kNoDevice));
}

}  // namespace fata::virtio
