// The interface from the machine layer to the platform once the CPU is in its final state: long
// mode, final page tables, the image at its random base.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fata/arch/memory.hpp"
#include "fata/base/danger.hpp"

namespace fata::arch {

// The kernel's command line from the loader, cut at 4095 bytes.
std::string_view command_line();
bool command_line_was_cut();

// Unused memory for the heap: page-aligned, mapped one to one, writable and not executable.
std::span<const Region> free_memory();
// The initial ramdisk, which is mapped read-only and is never given to the heap; empty if the
// loader passed none.
Bytes boot_module();
// All the RAM of the memory map without the initial ramdisk, in bytes.
std::uint64_t total_memory();

// The physical address of ACPI's root pointer from the loader. If there is none, this is 0 or any
// other value.
std::uint64_t acpi_root();

// A word mixed from all readings of the TSC during startup, and from one more reading.
std::uint64_t mixed_tsc();

// The TSC at the entry, to compute the duration of the start.
std::uint64_t entry_tsc();

// Functions that the platform defines for the machine layer.
//
// Called once, on the main stack, with interrupts masked; constructors have not run.
extern "C" [[noreturn]] void fata_platform_main() noexcept;
// Prints one line with the reason why this machine cannot run the image, and ends with status 64.
// May be called before relocation, so it must not follow pointers stored in memory.
extern "C" [[noreturn]] void fata_platform_refuse(const char* text, std::size_t size) noexcept;
// Writes directly to the console, bypassing its buffer; for reports of exceptions, which may
// interrupt any code.
extern "C" void fata_platform_emergency_write(const char* text, std::size_t size) noexcept;

}  // namespace fata::arch
