// The two ways to reach the registers of a device that was found.
#pragma once

#include "fata/virtio/transport.hpp"

namespace fata::virtio {

std::unique_ptr<Transport> open_mmio(const bus::FoundDevice& found);
Result<std::unique_ptr<Transport>> open_pci(bus::PciAddress at);

}  // namespace fata::virtio
