#include "fata/bus/found.hpp"

#include <algorithm>

namespace fata::bus {

void FoundDevices::forget(DeviceKind kind) {
  const std::span<FoundDevice> known = all();
  count_ = static_cast<std::size_t>(std::ranges::remove(known, kind, &FoundDevice::kind).begin() -
                                    known.begin());
}

const FoundDevice* FoundDevices::nth(DeviceKind kind, unsigned n) const {
  for (const FoundDevice& device : all()) {
    if (device.kind == kind && n-- == 0) return &device;
  }
  return nullptr;
}

}  // namespace fata::bus
