// Memory as devices and drivers share it.
#pragma once

#include "fata/arch/memory.hpp"

namespace fata::bus {

// Registers at a physical address (a virtio-mmio slot, a PCI BAR), mapped one to one and uncached.
using arch::map_device;
// The address at which a device accesses our memory (heap or static).
using arch::dma_address;

}  // namespace fata::bus
