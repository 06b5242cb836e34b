// The start of a packed image: checks that the file is intact and memory suffices, then unpacks the
// image. 32-bit code without a library and without data, because it runs at two addresses.
#include "inflate.hpp"
#include "packed.hpp"

namespace fata::unpack {
namespace {

void out8(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
void out16(uint16_t port, uint16_t value) { asm volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
void out32(uint16_t port, uint32_t value) { asm volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }
uint8_t in8(uint16_t port) {
  uint8_t value = 0;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

// The public PVH layout (xen/arch-x86/hvm/start_info.h), version 1.
struct StartInfo {
  uint32_t magic, version, flags, module_count;
  uint64_t modules, command_line, rsdp, memory_map;
  uint32_t memory_map_entries, reserved;
};
struct MemoryMapEntry {
  uint64_t address, size;
  uint32_t type, reserved;
};

}  // namespace

enum class Verdict : uint32_t { kGood, kDamaged, kTooLittleMemory };

namespace {
// True if there is memory from the file's load address to `end`, or the start info is unusable; the
// image itself refuses the latter.
bool has_memory(const StartInfo* info, uint32_t end) {
  constexpr uint32_t kMagic = 0x336ec578, kRam = 1;
  if (info->magic != kMagic || info->version < 1) return true;
  const auto* entry =
      reinterpret_cast<const MemoryMapEntry*>(static_cast<uint32_t>(info->memory_map));
  for (uint32_t i = info->memory_map_entries; i != 0; --i, ++entry) {
    if (entry->type == kRam && entry->address <= kLoadBase && entry->address + entry->size >= end)
      return true;
  }
  return false;
}
}  // namespace

// Uses some 190 bytes of stack.
extern "C" Verdict check_image(const StartInfo* info, const Header* header) {
  if (header->words >= (header->end - kLoadBase) / 4) return Verdict::kDamaged;
  if (!has_memory(info, kLoadBase + kHeaderPlace + 4 + header->words * 4))
    return Verdict::kTooLittleMemory;
  if (checksum(&header->words, header->words) != header->checksum) return Verdict::kDamaged;
  return has_memory(info, header->end) ? Verdict::kGood : Verdict::kTooLittleMemory;
}

// Refuses as the image itself does: prints one line, then exits with status 64, or switches the
// machine off, or resets it.
extern "C" [[noreturn]] void refuse(const char* text) {
  constexpr uint16_t kData = 0x3f8, kState = 0x3fd;
  constexpr unsigned kCanSend = 0x20, kTimeout = 1'000'000;
  for (; *text != 0; ++text) {
    for (unsigned i = 0; (in8(kState) & kCanSend) == 0 && i < kTimeout; ++i) {
    }
    out8(kData, static_cast<uint8_t>(*text));
  }
  out32(0xf4, 64 + 1);
  out16(0x604, 0x2000);
  out16(0xb004, 0x2000);
  out8(0x64, 0xfe);
  for (;;) asm volatile("hlt");
}

extern "C" void unpack_image(const Header* header, Scratch* scratch) {
  auto* const image = reinterpret_cast<uint8_t*>(header->image);
  uint8_t* const end =
      inflate(reinterpret_cast<const uint8_t*>(header) + header->packed, image, *scratch);
  store32(end, 0);  // bytes written past the end must be zero at the start
  map_addresses<false>(image, header->code_size, header->place - header->image);
}

}  // namespace fata::unpack
