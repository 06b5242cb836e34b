#include "transports.hpp"

namespace fata::virtio {

Result<std::unique_ptr<Transport>> find_device(std::uint32_t device_id, unsigned nth) {
  bool legacy = false;
  if (auto mmio = find_mmio(device_id, nth, legacy)) return mmio;
  Result<std::unique_ptr<Transport>> pci = find_pci(device_id, nth);
  if (!pci || *pci != nullptr) return pci;
  return fail(Error(legacy ? Errc::kLegacyDevice : Errc::kNoDevice));
}

}  // namespace fata::virtio
