// The two ways to find a device. Each decrements `nth` for every matching device that it skips.
// `legacy` is set if a matching device older than virtio 1.0 was skipped. Returns null if there is
// no device.
#pragma once

#include "fata/virtio/transport.hpp"

namespace fata::virtio {

std::unique_ptr<Transport> find_mmio(std::uint32_t device_id, unsigned& nth, bool& legacy);
Result<std::unique_ptr<Transport>> find_pci(std::uint32_t device_id, unsigned& nth);

}  // namespace fata::virtio
