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

// Takes `pages` out of the free memory; false if they are not wholly in one of its regions. If the
// table of regions is full, the memory after them is lost.
inline bool take_out(BootMemory& memory, Region pages) {
  for (std::size_t i = 0; i < memory.free_count; ++i) {
    const Region whole = memory.free[i];
    if (pages.begin < whole.begin || whole.end < pages.end) continue;
    const Region first{whole.begin, pages.begin}, second{pages.end, whole.end};
    const bool has_first = first.size() != 0, has_second = second.size() != 0;
    memory.free[i] = has_first ? first : has_second ? second : Region{};
    if (has_first && has_second && memory.free_count != memory.free.size()) {
      // The page tables go to the larger part.
      if (i == memory.above && first.size() < second.size()) memory.above = memory.free_count;
      memory.free[memory.free_count++] = second;
    }
    return true;
  }
  return false;
}

// Defined in images that use the initial ramdisk: takes its pages out of the free memory. In other
// images, they are ordinary memory.
extern "C" [[gnu::weak]] void fata_keep_module(const StartInfo& info, BootMemory& memory,
                                               Region image) noexcept;

}  // namespace fata::arch
