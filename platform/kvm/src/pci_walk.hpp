// Visits the functions on bus 0 and behind its bridges, depth first. Pure: it reads with
// pci_read8() and pci_read32().
#pragma once

#include "fata/kvm/device.hpp"

namespace fata::kvm {

void walk_pci(PciVisitor visit, void* context) noexcept;

}  // namespace fata::kvm
