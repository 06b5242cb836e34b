// What the driver of a device on PCI needs beside its configuration space. An image that links this
// also finds devices on PCI.
#pragma once

#include "fata/bus/found.hpp"

namespace fata::bus {

// The physical address in a memory BAR; 0 if there is no such BAR.
std::uint64_t bar_address(PciAddress at, std::uint8_t bar) noexcept;

// Adds the virtio devices on PCI.
void find_on_pci(FoundDevices& found) noexcept;

}  // namespace fata::bus
