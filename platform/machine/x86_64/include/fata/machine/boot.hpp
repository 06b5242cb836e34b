// What the machine layer leaves to the platform after it has brought the CPU to its final state:
// long mode, final page tables, the image at its random base.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fata/machine/memory.hpp"

namespace fata::machine {

// The kernel's command line as the loader gave it, cut at 4095 bytes.
std::string_view command_line();
bool command_line_was_cut();

// Memory that nobody uses yet, page-aligned, mapped one to one, writable and not executable. For
// the heap.
std::span<const Region> free_memory();
// All the RAM of the memory map, in bytes.
std::uint64_t total_memory();

// Physical address of ACPI's root pointer, as the loader named it; 0 or anything else if there is
// none.
std::uint64_t acpi_root();

// A word mixed from all readings of the TSC that the start has taken, and one more.
std::uint64_t mixed_tsc();

// TSC at the entry, for the time that the start took.
std::uint64_t entry_tsc();

// Functions that the platform defines for the machine layer.
//
// Called once, on the main stack, with interrupts masked; constructors have not run.
extern "C" [[noreturn]] void fata_platform_main() noexcept;
// One line that says why this machine cannot run the image; ends with status 64. May be called
// before relocation: it must not follow pointers that are stored in memory.
extern "C" [[noreturn]] void fata_platform_refuse(const char* text, std::size_t size) noexcept;
// Writes to the console at once, past its buffer; for reports from exceptions, which may have
// interrupted anything.
extern "C" void fata_platform_emergency_write(const char* text, std::size_t size) noexcept;

}  // namespace fata::machine
