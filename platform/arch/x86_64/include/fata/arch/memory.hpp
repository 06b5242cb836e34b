// Page tables and addresses. RAM is mapped one to one (virtual == physical); only the image is
// elsewhere, at its random base.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fata::arch {

struct Region {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
};

inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint64_t kLinkBase = 0x100000;  // the image's link and load address

// No pointer into the first 64 KiB is valid.
inline constexpr std::uint64_t kNullZone = 0x10000;

// Page-table bits.
enum Access : std::uint64_t {
  kReadOnly = 0,
  kWritable = 1ULL << 1,
  kUncached = (1ULL << 3) | (1ULL << 4),
  // Inverted when stored: the hardware's bit means no-execute.
  kExecutable = 1ULL << 63,
};
constexpr Access operator|(Access a, Access b) {
  return static_cast<Access>(static_cast<std::uint64_t>(a) | static_cast<std::uint64_t>(b));
}

// The virtual addresses of the running image.
Region image();
// The address in the ELF file (for a symbolizer) of a virtual address inside the image.
inline std::uint64_t link_address(std::uint64_t address) {
  return address - image().begin + kLinkBase;
}

// The address at which a device accesses `pointer` (heap, or inside the image).
std::uint64_t dma_address(const volatile void* pointer);

// True if registers may be at this address: above the NULL zone, below `limit`, and in no page of
// `taken`. The host chooses the address; in RAM or in the image's address range, a register would
// alias our memory.
bool may_hold_device(std::uint64_t physical, std::uint64_t size, std::uint64_t limit,
                     std::span<const Region> taken);

// Maps the registers of a device at `physical`: one to one, and uncached by default (other access
// is for memory outside the memory map, shared by a hypervisor). Idempotent. Returns their virtual
// address, or nullptr if no registers may be at `physical` or `size` is above kMaxDevice.
inline constexpr std::uint64_t kMaxDevice = 1 << 20;
volatile void* map_device(std::uint64_t physical, std::size_t size,
                          Access access = kWritable | kUncached);

// A description of an address for reports; static text.
struct Place {
  const char* name;
  bool guard;
};
Place describe_address(std::uint64_t address);

}  // namespace fata::arch
