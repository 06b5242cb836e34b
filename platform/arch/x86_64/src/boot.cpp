// From the PVH entry to the platform: reads the start info, relocates the image to a random base,
// builds the final page tables and switches to them.
//
// All but the last part runs at the load address, before (and during) relocation, on the boot stack
// and without a canary. Until the switch no code may follow a pointer that is stored in the image.
#include "fata/arch/boot.hpp"

#include <array>
#include <cstdlib>
#include <cstring>

#include "descriptors.hpp"
#include "fata/arch/cpu.hpp"
#include "fata/base/danger.hpp"
#include "page_tables.hpp"
#include "start_info.hpp"

extern "C" {
extern char __image_start[], __text_end[], __rodata_start[], __rodata_end[], __relro_start[],
    __relro_end[];
extern char __data_start[], __data_end[], __image_end[];
extern std::uint64_t __relr_start[], __relr_end[], __rela_start[], __rela_end[];
extern char fata_stacks[], fata_stacks_end[];
extern char fata_stack_main[], fata_stack_main_top[], fata_stack_fault[], fata_stack_double_fault[];
extern char fata_stack_nmi[];
void fata_enter_image(std::uint64_t cr3, std::uint64_t stack, std::uint64_t fs,
                      std::uint64_t entry);
// The canary for code that this compiler built; read-only once the final page tables are in use.
[[gnu::section(".data.rel.ro"), gnu::visibility("hidden")]] std::uint64_t __stack_chk_guard = 0;
}

namespace fata::arch {
namespace {

struct MemoryMapEntry {
  std::uint64_t address, size;
  std::uint32_t type, reserved;
};
constexpr std::uint32_t kMagic = 0x336ec578;
constexpr std::uint32_t kRam = 1;
constexpr std::uint64_t kGuard = 0x10000;  // below each stack, as in start.S

// The block at %fs that musl and prebuilt archives expect: its own address first, their canary at
// 0x28.
struct alignas(64) ThreadBlock {
  std::uint64_t self;
  std::uint64_t unused[4];
  std::uint64_t canary;
  std::uint64_t rest[58];
};

struct State {
  std::array<char, 4096> command_line;
  std::size_t command_line_size;
  bool command_line_cut;
  BootMemory memory;
  std::uint64_t total_memory;
  std::uint64_t acpi_root;
  std::uint64_t entry_tsc;
  std::uint64_t random;  // see mixed_tsc()
  std::uint64_t base;    // virtual address of the image
  PageTables tables;
  ThreadBlock thread;
};
constinit State state{};

template <std::size_t N>
[[noreturn]] void refuse(const char (&text)[N]) {
  fata_platform_refuse(text, N - 1);
}

std::uint64_t at(const volatile void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }
constexpr std::uint64_t page_down(std::uint64_t a) { return a & ~(kPage - 1); }
constexpr std::uint64_t page_up(std::uint64_t a) { return page_down(a + kPage - 1); }

void keep_command_line(const char* text) {
  std::size_t n = 0;
  while (n < state.command_line.size() - 1 && text[n] != 0) state.command_line[n] = text[n], ++n;
  state.command_line_size = n;
  state.command_line_cut = text[n] != 0;
}

// The platform word `fata.base=0x...` fixes the base, so that a debugger can load symbols before
// the start.
bool base_from_command_line(std::uint64_t& base) {
  const std::string_view line = command_line();
  constexpr std::string_view kWord = "fata.base=0x";
  for (std::size_t i = 0; i + kWord.size() < line.size(); ++i) {
    if ((i != 0 && line[i - 1] != ' ') || std::memcmp(&line[i], kWord.data(), kWord.size()) != 0)
      continue;
    base = 0;
    for (std::size_t k = i + kWord.size(); k < line.size() && line[k] != ' '; ++k) {
      const char c = line[k];
      base = base * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
  }
  return false;
}

// A permutation that mixes well (multiply, fold).
[[gnu::noinline]] std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 32, x *= 0xd6e8feb86659fd93;
  x ^= x >> 32, x *= 0xd6e8feb86659fd93;
  return x ^ (x >> 32);
}

// A word that must differ between boots. It always includes the time stamp counter, because a
// hardware generator may be stuck; without a working generator the counter is its only entropy.
std::uint64_t start_random() {
  std::uint64_t random = 0;
  if (!hardware_random(random)) random = 0;
  return random ^ mixed_tsc();
}

// Chooses one of 2^34 bases from 16 TiB on: above any RAM that is mapped one to one, and below the
// end of the lower half at 128 TiB.
std::uint64_t choose_base() {
  constexpr std::uint64_t kFirst = 1ULL << 44, kEnd = 0x7f0000000000;
  std::uint64_t base = 0;
  if (base_from_command_line(base)) {
    if (base % kPage != 0 || base < kFirst || base >= kEnd)
      refuse(
          "command line: fata.base= wants a multiple of 0x1000 from 0x100000000000 on, below "
          "0x7f0000000000");
    return base;
  }
  return kFirst + ((start_random() & ((1ULL << 34) - 1)) << 12);
}

// The linker encodes the locations of addresses as RELR: an even word is a location, an odd one a
// bitmap for the following 63 words. Only misaligned locations are RELA (location, type, value).
void relocate(std::uint64_t delta) {
  std::uint64_t* where = nullptr;
  for (const std::uint64_t* word = __relr_start; word != __relr_end; ++word) {
    if ((*word & 1) == 0) {
      where = reinterpret_cast<std::uint64_t*>(*word);
      *where++ += delta;
    } else {
      for (unsigned bit = 1; bit < 64; ++bit) {
        if ((*word >> bit) & 1) where[bit - 1] += delta;
      }
      where += 63;
    }
  }
  constexpr std::uint64_t kRelative = 8;
  for (const std::uint64_t* word = __rela_start; word < __rela_end; word += 3) {
    if (word[1] == kRelative) *reinterpret_cast<std::uint64_t*>(word[0]) = word[2] + delta;
  }
}

[[gnu::noinline]] void keep_free(std::uint64_t begin, std::uint64_t end) {
  BootMemory& memory = state.memory;
  if (begin < end && memory.free_count < memory.free.size())
    memory.free[memory.free_count++] = {begin, end};
}

// Finds the page-aligned parts of usable RAM outside the NULL zone and outside the image. It does
// so in one pass: on an emulated CPU, code that runs once costs more to translate than to execute.
void find_memory(const StartInfo& info, Region image) {
  state.memory.above = state.memory.free.size();
  for (const MemoryMapEntry& entry : danger_span(
           reinterpret_cast<const MemoryMapEntry*>(info.memory_map), info.memory_map_entries)) {
    if (entry.type != kRam) continue;
    std::uint64_t begin = page_up(entry.address);
    const std::uint64_t end = page_down(entry.address + entry.size);
    if (begin < kNullZone) begin = kNullZone;
    if (begin >= end) continue;
    state.total_memory += end - begin;
    if (begin <= image.begin && image.end <= end) {
      keep_free(begin, image.begin);
      begin = image.end;
      if (begin < end) state.memory.above = state.memory.free_count;
    }
    keep_free(begin, end);
  }
}

// The maximum number of pages for tables. Each region needs a directory per GiB and at most two
// page tables for its ends; further pages are for the image, the second root, and devices, which
// are mapped later.
std::uint64_t max_tables() {
  constexpr std::uint64_t kImageAndRoots = 16, kDevices = 16;
  std::uint64_t pages = kImageAndRoots + kDevices + (at(__image_end) - kLinkBase) / (2ULL << 20);
  std::uint64_t highest = state.memory.module.end;
  pages += state.memory.module.size() >> 30;
  for (const Region& region : free_memory()) {
    pages += (region.size() >> 30) + 4;
    highest = region.end > highest ? region.end : highest;
  }
  return pages + (highest >> 39);
}

// Takes the tables' stretch out of the RAM above the image, near its upper end: the loader's data
// may be directly after the image, and is read until the end of the boot. The exact address is
// random, within a sixteenth of that RAM, which is the most that the largest block can lose.
Region choose_tables() {
  constexpr std::uint64_t kMaxPlaces = 1024;
  BootMemory& memory = state.memory;
  if (memory.above >= memory.free_count)
    refuse("too little memory: the image does not fit; give the guest 2 MiB or more");
  Region& above = memory.free[memory.above];
  const std::uint64_t size = max_tables() * kPage;
  if (above.size() <= size)
    refuse("too little memory: no room for page tables; give the guest 2 MiB or more");
  std::uint64_t places = (above.size() - size) / kPage / 16 + 1;
  places = places < kMaxPlaces ? places : kMaxPlaces;
  const std::uint64_t end = above.end - (start_random() % places) * kPage;
  keep_free(end, above.end);
  above.end = end - size;
  return {above.end, end};
}

void map_one_to_one(Region region, Access access) {
  state.tables.map(region.begin, region.begin, region.size(), access);
}

// Below each stack is a guard area that is not mapped here. The small stacks are equal and
// consecutive.
void map_image() {
  struct Part {
    const char* begin;
    const char* end;
    Access access;
  };
  const Part parts[]{{__image_start, __text_end, kExecutable},
                     {__rodata_start, __rodata_end, kReadOnly},
                     {__relro_start, __relro_end, kReadOnly},
                     {__data_start, __data_end, kWritable},
                     {fata_stack_main, fata_stack_main_top, kWritable}};
  const auto map = [](std::uint64_t begin, std::uint64_t end, Access access) {
    begin = page_down(begin);
    state.tables.map(begin - kLinkBase + state.base, begin, page_up(end) - begin, access);
  };
  for (const Part& part : parts) map(at(part.begin), at(part.end), part.access);
  const std::uint64_t step = at(fata_stack_double_fault) - at(fata_stack_fault);
  for (std::uint64_t stack = at(fata_stack_fault); stack <= at(fata_stack_nmi); stack += step)
    map(stack, stack + step - kGuard, kWritable);
}

// The heap uses the memory of the guards: it is mapped one to one, but not at the image's base.
void keep_guards() {
  for (const char* stack :
       {fata_stack_main, fata_stack_fault, fata_stack_double_fault, fata_stack_nmi}) {
    const Region guard{at(stack) - kGuard, at(stack)};
    map_one_to_one(guard, kWritable);
    keep_free(guard.begin, guard.end);
  }
}

void enable_protections() {
  const CpuId seven = cpuid(0).a >= 7 ? cpuid(7) : CpuId{};
  std::uint64_t cr4 = read_cr4();
  if ((seven.b >> 7) & 1) cr4 |= 1ULL << 20;  // SMEP
  if ((seven.c >> 2) & 1) cr4 |= 1ULL << 11;  // UMIP
  write_cr4(cr4);
}

// The first code at the random base.
[[noreturn]] void enter_platform() {
  state.tables.unmap_page(page_down(kLinkBase));
  load_descriptors();
  fata_platform_main();
}

extern "C" [[noreturn]] void fata_boot(const StartInfo* info) {
  state.entry_tsc = read_tsc();
  if (info->magic != kMagic || info->version < 1 || info->memory_map_entries == 0)
    refuse("the loader gave no PVH start info of version 1 with a memory map");
  if (((cpuid(0x80000001).d >> 20) & 1) == 0)
    refuse("this CPU has no no-execute bit; use -cpu max or -cpu host");
  if (info->command_line != 0) keep_command_line(reinterpret_cast<const char*>(info->command_line));

  const Region image{at(__image_start), at(__image_end)};
  find_memory(*info, image);
  if (fata_keep_module != nullptr) fata_keep_module(*info, state.memory, image);
  state.acpi_root = info->rsdp;
  state.random = mix(at(info) + state.total_memory) ^ state.entry_tsc;
  state.base = choose_base();
  state.tables.start(choose_tables());
  for (const Region& region : free_memory()) map_one_to_one(region, kWritable);
  map_one_to_one(state.memory.module, kReadOnly);
  map_image();
  // This mapping is needed only for the switch.
  map_one_to_one({page_down(kLinkBase), page_down(kLinkBase) + kPage}, kExecutable);
  // The boot's own tables and stack, in the loaded image, are free after the switch.
  const Region boot{at(__data_end), at(fata_stacks)};
  map_one_to_one(boot, kWritable);
  keep_free(boot.begin, boot.end);
  keep_guards();
  state.tables.hide();

  const std::uint64_t delta = state.base - kLinkBase;
  state.thread.self = at(&state.thread) + delta;
  // A zero byte stops a string overrun. No function that stored the old canary returns after this.
  state.thread.canary = __stack_chk_guard = start_random() & ~std::uint64_t{0xff};
  enable_protections();
  relocate(delta);
  fata_enter_image(state.tables.root(), at(fata_stack_main_top) + delta, at(&state.thread) + delta,
                   at(reinterpret_cast<const void*>(&enter_platform)) + delta);
  __builtin_unreachable();
}

}  // namespace

std::string_view command_line() { return {state.command_line.data(), state.command_line_size}; }
bool command_line_was_cut() { return state.command_line_cut; }
std::span<const Region> free_memory() {
  return danger_span<const Region>(state.memory.free.data(), state.memory.free_count);
}
std::uint64_t mixed_tsc() { return state.random = mix(state.random ^ read_tsc()); }
std::uint64_t total_memory() { return state.total_memory - state.memory.module.size(); }
std::uint64_t acpi_root() { return state.acpi_root; }
std::uint64_t entry_tsc() { return state.entry_tsc; }

Region image() { return {at(__image_start), at(__image_end)}; }

volatile void* map_shared(std::uint64_t physical, std::size_t size, Access access) {
  // The lower half of canonical addresses has 47 bits; an entry beyond the CPU's physical address
  // bits faults.
  const std::uint32_t bits = cpuid(0x80000000).a >= 0x80000008 ? cpuid(0x80000008).a & 0xff : 36;
  const std::uint64_t limit = std::uint64_t{1} << (bits < 47 ? bits : 47);
  const Region own[]{
      {kLinkBase, kLinkBase + image().size()}, state.tables.memory(), image(), state.memory.module};
  if (!bus::may_hold_device(physical, size, limit, free_memory()) ||
      !bus::may_hold_device(physical, size, limit, own))
    return nullptr;
  const std::uint64_t begin = page_down(physical);
  state.tables.map(begin, begin, page_up(physical + size) - begin, access);
  return reinterpret_cast<volatile void*>(physical);
}

Place describe_address(std::uint64_t address) {
  const auto inside = [address](const char* begin, const char* end) {
    return page_down(at(begin)) <= address && address < page_up(at(end));
  };
  if (address < kNullZone) return {"NULL", true};
  if (inside(__image_start, __text_end)) return {"code", false};
  if (inside(__rodata_start, __rodata_end) || inside(__relro_start, __relro_end))
    return {"read-only data", false};
  if (inside(fata_stacks, fata_stacks_end)) {
    const char* const stacks[]{fata_stack_main, fata_stack_fault, fata_stack_double_fault,
                               fata_stack_nmi};
    for (const char* stack : stacks) {
      if (inside(stack - kGuard, stack)) return {"stack guard page", true};
    }
    return {"stack", false};
  }
  if (inside(__data_start, __data_end)) return {"data", false};
  const Region& tables = state.tables.memory();
  if (tables.begin <= address && address < tables.end) return {"page tables", true};
  for (const Region& region : free_memory()) {
    if (region.begin <= address && address < region.end) return {"heap", false};
  }
  if (state.memory.module.begin <= address && address < state.memory.module.end)
    return {"initial ramdisk", false};
  return {"unmapped memory", false};
}

}  // namespace fata::arch

namespace fata::bus {

volatile void* map_device(std::uint64_t physical, std::size_t size) {
  return arch::map_shared(physical, size, arch::kWritable | arch::kUncached);
}

std::uint64_t dma_address(const volatile void* pointer) {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  const Region here = arch::image();
  return address - here.begin < here.size() ? arch::link_address(address) : address;
}

}  // namespace fata::bus
