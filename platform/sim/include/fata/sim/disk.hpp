// A disk in memory, with all faults that sig::BlockDevice allows: operations that end out of order,
// errors by sector, flushes that fail, and power cuts, after which only a part of the unflushed
// data remains.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "fata/async/semaphore.hpp"
#include "fata/sig/block.hpp"
#include "fata/sim/platform.hpp"

namespace fata::sim {

struct DiskOptions {
  std::uint32_t sector_size = 512;
  std::uint64_t sectors = 2048;
  bool writable = true;
  bool discards = true;
  bool cached = true;  // false: a write is stable when it ends
  std::uint32_t alignment = 1;
  std::uint32_t parallel = 8;
  // An operation takes a random time between these two.
  Duration min_delay{};
  Duration max_delay = microseconds(100);
  // If true, a sector that is being written during a power cut then has a part of the old content
  // and a part of the new. A disk that keeps the promises of sig::BlockDevice never does this. Set
  // it to test storage that must survive disks that break them.
  bool torn_sectors = false;
};

// All random choices come from the drive's seed. Models sig::BlockDevice.
class Disk {
 public:
  enum class Kind { kRead, kWrite, kFlush, kDiscard };
  enum Count : std::size_t { kReads, kWrites, kFlushes, kDiscards, kFailures, kPowerCuts, kCounts };

  explicit Disk(Drive& drive, const DiskOptions& options = {});

  // sig::BlockDevice.
  sig::BlockGeometry geometry() const { return geometry_; }
  async::Task<Result<void>> read(std::uint64_t sector, MutableBytes in, async::Wait wait = {});
  async::Task<Result<void>> write(std::uint64_t sector, Bytes out, async::Wait wait = {});
  async::Task<Result<void>> flush(async::Wait wait = {});
  async::Task<Result<void>> discard(std::uint64_t sector, std::uint64_t count,
                                    async::Wait wait = {});

  // Makes the next `times` operations of that kind fail with kFailed if they touch any of the
  // `count` sectors that start at `first`. For a flush, the sectors are ignored.
  void fail(Kind kind, std::uint64_t first = 0, std::uint64_t count = ~std::uint64_t{0},
            unsigned times = 1);

  // Operations in flight, and all others until power is back, end with kGone. Each sector then has
  // the content of the last flush or any content written since.
  void cut_power();
  void restore_power();
  // The image that used the disk has ended without waiting for its operations: each of its writes
  // in flight takes effect or does not, by sector. The disk is then free for the next image.
  void forget_user();

  // The content that is certainly on the disk, without cached data.
  Bytes stable() const { return stable_; }
  std::uint64_t count(Count which) const { return counts_[which]; }

 private:
  struct Version {
    std::uint64_t number = 0;  // in chronological order
    std::vector<std::byte> bytes;
  };
  struct Fault {
    Kind kind;
    std::uint64_t first, count;
    unsigned times;
  };
  struct Writing {
    std::uint64_t sector = 0;
    Bytes bytes;
  };

  async::Task<Result<void>> perform(Kind kind, std::uint64_t sector, MutableBytes in, Bytes out,
                                    std::uint64_t count, async::Wait wait);
  Result<void> end(Kind kind, std::uint64_t sector, MutableBytes in, Bytes out, std::uint64_t count,
                   std::uint64_t begun_at);
  bool faulty(Kind kind, std::uint64_t sector, std::uint64_t count);
  void put(std::uint64_t sector, Bytes bytes);
  Bytes newest(std::uint64_t sector) const;
  MutableBytes stable_sector(std::uint64_t sector);
  void settle(std::uint64_t sector, const std::vector<Version>& versions);
  std::uint64_t below(std::uint64_t limit) { return drive_->random() % limit; }

  Drive* drive_;
  DiskOptions options_;
  sig::BlockGeometry geometry_;
  std::unique_ptr<async::Semaphore> slots_;
  std::vector<std::byte> stable_;
  std::map<std::uint64_t, std::vector<Version>> cached_;  // by sector, oldest first
  std::vector<Writing*> writing_;                         // in flight
  std::deque<Fault> faults_;
  std::uint64_t versions_ = 0;
  unsigned power_ = 1;  // incremented by each change: odd while power is on
  bool flush_failed_ = false;
  std::array<std::uint64_t, kCounts> counts_{};
};
static_assert(sig::BlockDevice<Disk>);

}  // namespace fata::sim
