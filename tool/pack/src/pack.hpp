// Packs a kernel image into a self-extracting one (unpack/ in the processor's folder).
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

namespace fata::pack {

using Bytes = std::vector<std::uint8_t>;

// A file that is not a kernel, or a kernel that cannot be packed.
struct Unsuitable : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A kernel that would not become smaller.
struct DoesNotPay : Unsuitable {
  using Unsuitable::Unsuitable;
};

// The memory content that a loader creates from a kernel's ELF file.
struct Kernel {
  std::uint32_t begin = 0;       // address of the first byte
  Bytes bytes;                   // content from `begin`, with the gaps between segments
  std::uint32_t memory_end = 0;  // end of the zeroed memory after `bytes`
  std::uint32_t code_size = 0;   // bytes of code at the start
  std::uint32_t entry = 0;       // from the PVH note
};

// Throws Unsuitable unless `elf` is a static x86-64 ELF file with a PVH note.
Kernel read_kernel(std::span<const std::uint8_t> elf);

// Returns the packed ELF file, after unpacking and comparing its content. Throws DoesNotPay.
Bytes pack(const Kernel& kernel);

}  // namespace fata::pack
