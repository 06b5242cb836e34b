// What the loader passes to a kernel, and the free memory that is made of it. The code that uses
// these runs before relocation.
#pragma once

#include <array>

#include "fata/arch/boot.hpp"

namespace fata::arch {

// The public PVH layout (xen/arch-x86/hvm/start_info.h), version 1.
struct StartInfo {
  std::uint32_t magic, version, flags, module_count;
  std::uint64_t modules, command_line, rsdp, memory_map;
  std::uint32_t memory_map_entries, reserved;
};

struct BootMemory {
  std::array<Region, 64> free;
  std::size_t free_count;
  std::size_t above;  // index in `free` of the region above the image, in the same RAM
  Region module;      // the pages of the initial ramdisk, which are mapped read-only; may be empty
};

// Defined in images that use the initial ramdisk: takes its pages out of the free memory. In other
// images, they are ordinary memory.
extern "C" [[gnu::weak]] void fata_keep_module(const StartInfo& info, BootMemory& memory,
                                               Region image) noexcept;

}  // namespace fata::arch
