// Finds the machine's generation ID ("Virtual Machine Generation ID", Microsoft, 2012): 16 bytes of
// memory that the hypervisor changes whenever it starts the machine from a snapshot. In ACPI, a
// device with the _CID or _DDN "VM_Gen_Counter" has an ADDR that returns the address as two words.
//
// This is not an AML interpreter. It searches for the two forms of ADDR that hypervisors write: a
// package of two integers (Firecracker, Hyper-V, VMware), and a method that adds a constant to a
// named integer (QEMU).
#pragma once

#include <cstdint>

#include "fata/base/bytes.hpp"

namespace fata::kernel {

inline constexpr std::size_t kGenerationIdSize = 16;

// Returns `size` bytes of memory at a physical address, or nothing if they cannot be read.
using ReadPhysical = Bytes (*)(std::uint64_t address, std::size_t size);

// Returns the physical address of the ID, found through the tables that the root pointer at `rsdp`
// leads to (ACPI 6.5, section 5.2.5), or 0 if no valid table has one. Reads at most 64 tables of at
// most 1 MiB each.
std::uint64_t find_generation_id(std::uint64_t rsdp, ReadPhysical read);

// The same for one definition block, DSDT or SSDT.
std::uint64_t generation_id_in(Bytes block);

}  // namespace fata::kernel
