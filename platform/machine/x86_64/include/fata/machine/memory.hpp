// Page tables and addresses. RAM is mapped one to one (virtual == physical), the image alone lies
// elsewhere: at its random base.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fata::machine {

struct Region {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
};

inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint64_t kLinkBase = 0x100000;  // where the image is linked and loaded

// No pointer into the first 64 KiB is valid.
inline constexpr std::uint64_t kNullZone = 0x10000;

// Page-table bits.
enum Access : std::uint64_t {
  kReadOnly = 0,
  kWritable = 1ULL << 1,
  kUncached = (1ULL << 3) | (1ULL << 4),
  kExecutable = 1ULL << 63,  // inverted when stored: the hardware's bit says no-execute
};
constexpr Access operator|(Access a, Access b) {
  return static_cast<Access>(static_cast<std::uint64_t>(a) | static_cast<std::uint64_t>(b));
}

// Where the image runs, as virtual addresses.
Region image();
// The address in the ELF file (what a symboliser wants) of a virtual address inside the image.
inline std::uint64_t link_address(std::uint64_t address) {
  return address - image().begin + kLinkBase;
}

// The address by which a device reaches `pointer` (heap, or inside the image).
std::uint64_t dma_address(const volatile void* pointer);

// Whether registers may lie there: above the NULL zone, below `limit`, in no page of `taken`. The
// host chooses such addresses; in RAM or where the image runs, a register would be memory of ours.
bool may_hold_device(std::uint64_t physical, std::uint64_t size, std::uint64_t limit,
                     std::span<const Region> taken);

// Makes the registers of a device at `physical` usable: mapped one to one, uncached unless told
// otherwise (pages of memory outside the memory map, that a hypervisor shares). Idempotent. Returns
// where to access them; nullptr if none may lie there, or `size` is above kMaxDevice.
inline constexpr std::uint64_t kMaxDevice = 1 << 20;
volatile void* map_device(std::uint64_t physical, std::size_t size,
                          Access access = kWritable | kUncached);

// What an address is, for reports; static text.
struct Place {
  const char* name;
  bool guard;
};
Place describe_address(std::uint64_t address);

}  // namespace fata::machine
