// Visits the functions on bus 0 and behind its bridges, depth first: a board's for_each_pci(), if
// the board has PCI. Pure: it reads with pci_read8() and pci_read32().
#pragma once

#include "fata/bus/pci.hpp"

namespace fata::bus {

void walk_pci(PciVisitor visit, void* context) noexcept;

}  // namespace fata::bus
