// A block device: an array of sectors of equal size, addressed by number. All storage is built on
// it.
//
// Every model keeps this contract, and `tests/conformance/block` checks it:
//
// - **Bounds.** An operation outside the device's limits fails before any byte is read or written:
//   kOutOfRange, kBadSize, kMisaligned or kReadOnly. An empty buffer and a discard of no sectors
//   succeed and do nothing.
// - **Order.** Concurrent operations are unordered. A read that begins after a write has ended
//   returns the written data. If an operation overlaps a write in time and sectors, each sector is
//   entirely one version or the other, never a mixture.
// - **Concurrency.** At most `geometry().parallel` operations run at once; further operations
//   wait in FIFO order. There is no scatter-gather: issue one operation per buffer.
// - **Atomicity.** One sector, no more. After a power failure, each sector of a write that was not
//   flushed holds either its content at the last flush or that of any write since then. If `cached`
//   is false, the same holds for writes that have not ended.
// - **Flush.** Success means that everything written or discarded *before the flush began* is on
//   stable storage. A concurrent write may or may not be covered. After a failed flush, the data
//   written since the last successful flush may be lost; therefore this flush and every later flush
//   of this device fail with kFlushFailed. Reads and writes still work.
// - **Discard.** The sectors' content is no longer needed: until they are written again, reads
//   return arbitrary data. The device may ignore all or part of a discard.
// - **Failures.** After kFailed from a read, the buffer's content is undefined. After kFailed from
//   a write, each sector of the write holds the old content or the new, or is unreadable until it
//   is written again. Drivers do not retry; that is the caller's decision.
// - **Waiting.** `wait` bounds only the time in the queue; an operation that ends there has done
//   nothing. Once submitted to the device, an operation cannot be cancelled, because the device
//   owns the buffer: it runs to completion and returns its result. The buffer must therefore live
//   until the operation ends. Destroying a task in the middle of an operation blocks the loop until
//   the device has finished.
#pragma once

#include <cstdint>
#include <span>

#include "fata/base/packet.hpp"
#include "fata/sig/awaits.hpp"

namespace fata::sig {

enum class BlockErrc : std::uint32_t {
  kOutOfRange = 1,  // beyond the last sector
  kBadSize,         // not a multiple of the sector size
  kMisaligned,      // the buffer's address is not a multiple of geometry().alignment
  kReadOnly,
  kUnsupported,  // discard, which the device does not support
  // An I/O error; the detail is the device's own code (a file's errno, a virtio request's status).
  kFailed,
  kNoSpace,  // no space left on a device that allocates on write
  kFlushFailed,
  kGone,  // the device is powered off, violated its protocol, or stopped responding
};
const ErrorDomain& error_domain(BlockErrc) noexcept;

struct BlockGeometry {
  std::uint32_t sector_size = 512;  // bytes, a power of two, 512 to 65536
  std::uint64_t sectors = 0;        // sectors * sector_size is below 2^63
  bool writable = true;
  bool discards = false;
  // False: writes are durable when they end, and flush is cheap. True: only flushed writes
  // are durable.
  bool cached = true;
  std::uint32_t alignment = 1;  // of a buffer's address, in bytes, a power of two
  // Bytes, a multiple of sector_size; smaller or unaligned writes are slower.
  std::uint32_t optimal = 4096;
  std::uint32_t parallel = 1;  // max operations in flight

  constexpr std::uint64_t bytes() const { return sectors * sector_size; }
  friend bool operator==(const BlockGeometry&, const BlockGeometry&) = default;
};

template <class B>
concept BlockDevice = requires(B& device, std::uint64_t sector, MutableBytes in, Bytes out,
                               std::uint64_t count, async::Wait wait) {
  // Constant while the device lives.
  { device.geometry() } -> std::same_as<BlockGeometry>;
  { device.read(sector, in, wait) } -> Awaits<Result<void>>;
  { device.write(sector, out, wait) } -> Awaits<Result<void>>;
  { device.flush(wait) } -> Awaits<Result<void>>;
  { device.discard(sector, count, wait) } -> Awaits<Result<void>>;
};

// For models: check an operation against the device's limits.
Result<void> check_read(const BlockGeometry& geometry, std::uint64_t sector, Bytes buffer);
Result<void> check_write(const BlockGeometry& geometry, std::uint64_t sector, Bytes buffer);
Result<void> check_discard(const BlockGeometry& geometry, std::uint64_t sector,
                           std::uint64_t count);

namespace archetype {
struct BlockDevice {
  BlockGeometry geometry() { return {}; }
  Ready<Result<void>> read(std::uint64_t, MutableBytes, async::Wait) { return {}; }
  Ready<Result<void>> write(std::uint64_t, Bytes, async::Wait) { return {}; }
  Ready<Result<void>> flush(async::Wait) { return {}; }
  Ready<Result<void>> discard(std::uint64_t, std::uint64_t, async::Wait) { return {}; }
};
}  // namespace archetype

}  // namespace fata::sig
