// A block device: sectors of equal size, read and written by number.
#pragma once

#include <cstdint>
#include <span>

#include "fata/base/packet.hpp"
#include "fata/sig/awaits.hpp"

namespace fata::sig {

struct BlockGeometry {
  std::uint32_t sector_size = 512;  // bytes, a power of two
  std::uint64_t sectors = 0;
  bool writable = true;
};

template <class B>
concept BlockDevice = requires(B& device, std::uint64_t sector, MutableBytes in, Bytes out, async::Wait wait) {
  { device.geometry() } -> std::same_as<BlockGeometry>;
  // Whole sectors; `in` and `out` live until the operation has ended, also when it is cancelled (it then ends first).
  { device.read(sector, in, wait) } -> Awaits<Result<void>>;
  { device.write(sector, out, wait) } -> Awaits<Result<void>>;
  // What was written before is on stable storage.
  { device.flush(wait) } -> Awaits<Result<void>>;
  { device.discard(sector, std::uint64_t{}, wait) } -> Awaits<Result<void>>;
};

}  // namespace fata::sig
