// Page tables and addresses. RAM is mapped one to one (virtual == physical); only the image is
// elsewhere, at its random base.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fata/bus/memory.hpp"

namespace fata::arch {

using bus::Region;

inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint64_t kLinkBase = 0x100000;  // the image's link and load address

using bus::kNullZone;

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

// Like bus::map_device(), for memory outside the memory map that a hypervisor shares.
volatile void* map_shared(std::uint64_t physical, std::size_t size, Access access);

// A description of an address for reports; static text.
struct Place {
  const char* name;
  bool guard;
};
Place describe_address(std::uint64_t address);

}  // namespace fata::arch
