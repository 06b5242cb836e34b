// The initial ramdisk. It runs before relocation, except for boot_module().
#include "start_info.hpp"

namespace fata::arch {

namespace {

// The public layout of a module in the PVH start info.
struct ModuleEntry {
  std::uint64_t address, size, command_line, reserved;
};

constinit Region content{};

template <std::size_t N>
[[noreturn]] void refuse(const char (&text)[N]) {
  fata_platform_refuse(text, N - 1);
}

// Takes `pages` out of the free region at `index`.
void cut(BootMemory& memory, std::size_t index, Region pages) {
  const Region whole = memory.free[index];
  const Region first{whole.begin, pages.begin}, second{pages.end, whole.end};
  const bool has_first = first.begin < first.end, has_second = second.begin < second.end;
  memory.free[index] = has_first ? first : has_second ? second : Region{};
  if (!has_first || !has_second || memory.free_count == memory.free.size()) return;
  // The page tables lie in the larger part.
  if (index == memory.above && first.size() < second.size()) memory.above = memory.free_count;
  memory.free[memory.free_count++] = second;
}

}  // namespace

extern "C" void fata_keep_module(const StartInfo& info, BootMemory& memory, Region image) noexcept {
  // Further modules are ignored.
  if (info.module_count == 0) return;
  const auto* entry = reinterpret_cast<const ModuleEntry*>(info.modules);
  if (entry->size == 0) return;
  content = {entry->address, entry->address + entry->size};
  const Region pages{content.begin & ~(kPage - 1), (content.end + kPage - 1) & ~(kPage - 1)};
  if (pages.begin < kNullZone || pages.end <= pages.begin ||
      (pages.begin < image.end && image.begin < pages.end))
    refuse("too little memory: the initial ramdisk does not fit beside the image");
  memory.module = pages;
  for (std::size_t i = memory.free_count; i-- > 0;) {
    const Region region = memory.free[i];
    if (region.begin < pages.end && pages.begin < region.end) {
      if (pages.begin < region.begin || region.end < pages.end)
        refuse("the loader put the initial ramdisk outside of the memory");
      return cut(memory, i, pages);
    }
  }
  refuse("the loader put the initial ramdisk outside of the memory");
}

Bytes boot_module() {
  return danger_span(reinterpret_cast<const std::byte*>(content.begin), content.size());
}

}  // namespace fata::arch
