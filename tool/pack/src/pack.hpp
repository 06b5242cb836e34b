// Packs a kernel image into one that unpacks itself (platform/machine/x86_64/unpack).
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

namespace fata::pack {

using Bytes = std::vector<std::uint8_t>;

// A file that is no kernel, or none that can be packed.
struct Unsuitable : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A kernel that would not become smaller.
struct DoesNotPay : Unsuitable {
  using Unsuitable::Unsuitable;
};

// What a kernel's ELF file has a loader put in memory.
struct Kernel {
  std::uint32_t begin = 0;       // address of the first byte
  Bytes bytes;                   // from there on, with the gaps between its segments
  std::uint32_t memory_end = 0;  // of what starts as zeros behind them
  std::uint32_t code_size = 0;   // of the first bytes
  std::uint32_t entry = 0;       // by the PVH note
};

// Throws Unsuitable for what is no static x86-64 ELF file with a PVH note.
Kernel read_kernel(std::span<const std::uint8_t> elf);

// The packed ELF file; its content has been unpacked again and compared. Throws DoesNotPay.
Bytes pack(const Kernel& kernel);

}  // namespace fata::pack
