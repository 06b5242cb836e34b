// A block device: sectors of equal size, read and written by number. What storage stands on.
//
// What every model promises, and `tests/block` checks:
//
// - **Bounds.** What does not fit the device is refused before anything is read or written:
//   kOutOfRange, kBadSize, kMisaligned, kReadOnly. A span of no bytes and a discard of no sectors
//   succeed and do nothing.
// - **Order.** Operations that overlap in time have none. A read that begins after a write has
//   ended sees it; of a read and a write that overlap in time and place, or of two such writes,
//   each sector is as one of them left it.
// - **Several at once.** `geometry().parallel` operations are under way at most; others wait in the
//   order in which they came. What lies in several buffers is several operations at once: there is
//   no scatter-gather.
// - **Atomicity.** One sector, no more: when power fails, each sector of a write that was not yet
//   flushed holds what it held after the last flush, or what any write since then gave it. With
//   `cached` false the same holds of writes that have not ended.
// - **Flush.** Its success puts all that was written or discarded *before it began* on stable
//   storage. A write that was under way may or may not be covered. After a flush has failed nothing
//   can vouch for what was written since the last good one, so that this flush and every later one
//   of this device fails with kFlushFailed; reading and writing go on.
// - **Discard.** The sectors' content is not needed any more: reading them gives anything until
//   they are written. The device may ignore it, in whole or in part.
// - **Failures.** kFailed from a read: the buffer holds anything. From a write: each of its sectors
//   holds the old content, the new, or cannot be read until it is written again. Whether to try
//   again is the caller's to say; drivers do not.
// - **Waiting.** `wait` bounds how long an operation waits for its turn; then nothing was done.
//   What the device has been given runs to its end and says how it ended, since its buffer cannot
//   be taken back. So the buffer lives until the operation has ended. A task that is destroyed in
//   the middle of one waits for the device, holding up the loop.
#pragma once

#include <cstdint>
#include <span>

#include "fata/base/packet.hpp"
#include "fata/sig/awaits.hpp"

namespace fata::sig {

enum class BlockErrc : std::uint32_t {
  kOutOfRange = 1,  // beyond the last sector
  kBadSize,         // no whole number of sectors
  kMisaligned,      // the buffer does not begin at a multiple of geometry().alignment
  kReadOnly,
  kUnsupported,  // discard, of a device that has none
  // An I/O error; the detail is the device's own number (errno of a file, the status of a virtio.
  kFailed,
  // request)
  kNoSpace,  // of a device that allocates as it is written
  kFlushFailed,
  kGone,  // the device is no more: power, a protocol that it broke, no answer
};
const ErrorDomain& error_domain(BlockErrc) noexcept;

struct BlockGeometry {
  std::uint32_t sector_size = 512;  // bytes, a power of two, 512 to 65536
  std::uint64_t sectors = 0;        // sectors * sector_size is below 2^63
  bool writable = true;
  bool discards = false;
  // Writes may be lost until they are flushed; flush is cheap if false.
  bool cached = true;
  std::uint32_t alignment = 1;  // of a buffer's address, in bytes, a power of two
  // bytes, a multiple of sector_size: smaller or unaligned writes cost more.
  std::uint32_t optimal = 4096;
  std::uint32_t parallel = 1;  // operations under way at most

  constexpr std::uint64_t bytes() const { return sectors * sector_size; }
  friend bool operator==(const BlockGeometry&, const BlockGeometry&) = default;
};

template <class B>
concept BlockDevice = requires(B& device, std::uint64_t sector, MutableBytes in, Bytes out,
                               std::uint64_t count, async::Wait wait) {
  // Does not change while the device lives.
  { device.geometry() } -> std::same_as<BlockGeometry>;
  { device.read(sector, in, wait) } -> Awaits<Result<void>>;
  { device.write(sector, out, wait) } -> Awaits<Result<void>>;
  { device.flush(wait) } -> Awaits<Result<void>>;
  { device.discard(sector, count, wait) } -> Awaits<Result<void>>;
};

// For models: whether an operation fits the device.
Result<void> check_read(const BlockGeometry& geometry, std::uint64_t sector, Bytes buffer);
Result<void> check_write(const BlockGeometry& geometry, std::uint64_t sector, Bytes buffer);
Result<void> check_discard(const BlockGeometry& geometry, std::uint64_t sector,
                           std::uint64_t count);

}  // namespace fata::sig
