// The two ways to find a device; each counts `nth` down by the devices it passes. `legacy`: devices
// of that kind were there, but of before virtio 1.0. Null: there is none.
#pragma once

#include "fata/virtio/transport.hpp"

namespace fata::virtio {

std::unique_ptr<Transport> find_mmio(std::uint32_t device_id, unsigned& nth, bool& legacy);
Result<std::unique_ptr<Transport>> find_pci(std::uint32_t device_id, unsigned& nth);

}  // namespace fata::virtio
