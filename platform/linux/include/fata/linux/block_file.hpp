// A file or block device of the Linux host as a sig::BlockDevice. With io_uring, many operations
// are in flight and submitted with one system call per turn. Where io_uring is not permitted, a
// thread performs them one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "fata/async/context.hpp"
#include "fata/async/semaphore.hpp"
#include "fata/base/counter.hpp"
#include "fata/linux/reactor.hpp"
#include "fata/linux/sandbox.hpp"
#include "fata/sig/block.hpp"

namespace fata::linux {

enum class BlockFileErrc : std::uint32_t {
  kNoName = 1,
  kBadOption,
  kNotFound,
  kNoRights,
  kBusy,
  kNotBlock,
  kEmpty,
  // The error's detail is the sector size.
  kBadSize,
  kNoDirect,
};
const ErrorDomain& error_domain(BlockFileErrc) noexcept;

enum class BlockCall : std::uint8_t { kRead, kWrite, kFlush, kDiscard };
class BlockThread;

class BlockFile final : private Poller {
 public:
  enum Count : std::size_t {
    kReads,
    kWrites,
    kFlushes,
    kDiscards,
    kFailures,
    kContinued,
    kSystemCalls,
    kCounts
  };

  // `what` is a path, optionally followed by these words:
  //   ,ro           Read-only; others may read the file at the same time.
  //   ,direct       Bypass the host's page cache (O_DIRECT). geometry() reports the alignment that
  //                 this requires.
  //   ,sector=4096  The sector size, 512 or 4096. The default is 512 for a file and the device's
  //                 own sector size for a block device.
  // The file is locked as QEMU locks disk images, so that no other process or guest writes to it at
  // the same time. A process killed a moment ago may still hold the lock, so connect() waits for up
  // to two seconds.
  static async::Task<Result<std::unique_ptr<BlockFile>>> connect(async::Context& context,
                                                                 std::string_view what);
  ~BlockFile();

  // sig::BlockDevice. A flush calls fdatasync; a discard punches a hole.
  sig::BlockGeometry geometry() const { return geometry_; }
  async::Task<Result<void>> read(std::uint64_t sector, MutableBytes in, async::Wait wait = {});
  async::Task<Result<void>> write(std::uint64_t sector, Bytes out, async::Wait wait = {});
  async::Task<Result<void>> flush(async::Wait wait = {});
  async::Task<Result<void>> discard(std::uint64_t sector, std::uint64_t count,
                                    async::Wait wait = {});

  std::span<const Counter> counters() const { return counters_; }
  SandboxNeeds sandbox_needs() const;

 private:
  struct Ring;
  using Kind = BlockCall;
  struct Operation {
    Kind kind = Kind::kRead;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::byte* memory = nullptr;  // for read and write; a write only reads from it
  };
  struct Slot {
    bool under_way = false;
    int outcome = 0;  // the system call's result
    async::WaitQueue ended;
  };
  static constexpr std::uint32_t kParallel = 64;
  // The kernel moves at most 2 GiB in one call.
  static constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;

  static Result<std::unique_ptr<BlockFile>> open(async::Context& context, std::string_view what);
  static async::Task<Result<std::unique_ptr<BlockFile>>> open_patiently(async::Context* context,
                                                                        std::string_view what);
  BlockFile(Fd fd, std::unique_ptr<Ring> ring, std::unique_ptr<BlockThread> thread,
            const sig::BlockGeometry& geometry, Logger log);
  void start_ring();
  async::Task<Result<void>> perform(Operation operation, async::Wait wait);
  async::Task<int> call(std::size_t slot, Operation operation);
  Result<void> failure(Kind kind, int number);
  void stage(std::size_t slot, const Operation& operation);
  void stage_on_ring(std::size_t slot, const Operation& operation);
  void submit();
  bool complete();
  bool complete_on_ring();
  void end(std::size_t slot, int outcome);
  void leave(std::size_t slot) noexcept;
  bool poll() noexcept override;

  Fd fd_;
  sig::BlockGeometry geometry_;
  Logger log_;
  std::unique_ptr<Ring> ring_;
  std::unique_ptr<BlockThread> thread_;  // null if there is a ring
  Watch watch_;
  async::Semaphore parallel_{kParallel};
  async::Semaphore flushing_{1};
  std::array<Slot, kParallel> slots_;
  std::vector<std::size_t> free_slots_;
  std::size_t under_way_ = 0;
  bool flush_failed_ = false;
  std::array<Counter, kCounts> counters_;
};
static_assert(sig::BlockDevice<BlockFile>);

}  // namespace fata::linux
