// virtio-blk (virtio 1.2, section 5.2) as a sig::BlockDevice, with one queue and up to 32 requests
// in flight. The device uses the callers' buffers, without copies. It is notified once per turn of
// the loop.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "fata/async/context.hpp"
#include "fata/async/semaphore.hpp"
#include "fata/base/aligned.hpp"
#include "fata/base/counter.hpp"
#include "fata/bus/device.hpp"
#include "fata/sig/block.hpp"
#include "fata/virtio/block_requests.hpp"
#include "fata/virtio/transport.hpp"

namespace fata::virtio {

enum class BlockSetupErrc : std::uint32_t { kNoDisk = 1, kNonsense };
const ErrorDomain& error_domain(BlockSetupErrc) noexcept;

class BlockDevice final : private bus::Device {
 public:
  enum Count : std::size_t { kReads, kWrites, kFlushes, kDiscards, kFailures, kCounts };

  // The nth disk of this machine.
  static async::Task<Result<std::unique_ptr<BlockDevice>>> connect(async::Context& context,
                                                                   unsigned nth = 0);
  BlockDevice(Logger log, std::unique_ptr<Transport> transport);
  ~BlockDevice();

  // sig::BlockDevice. A buffer must be on the heap or static. A device that does not answer for a
  // minute is reset, and all operations in flight fail with kGone.
  sig::BlockGeometry geometry() const { return limits_.geometry; }
  async::Task<Result<void>> read(std::uint64_t sector, MutableBytes in, async::Wait wait = {});
  async::Task<Result<void>> write(std::uint64_t sector, Bytes out, async::Wait wait = {});
  async::Task<Result<void>> flush(async::Wait wait = {});
  async::Task<Result<void>> discard(std::uint64_t sector, std::uint64_t count,
                                    async::Wait wait = {});

  std::span<const Counter> counters() const { return counters_; }

 private:
  using Kind = BlockRequests::Kind;
  struct Operation {
    Kind kind = Kind::kRead;
    std::uint64_t sector = 0;
    std::uint64_t sectors = 0;
    std::uint64_t address = 0;  // of a read's or write's buffer, as the device sees it
  };
  // An acquired slot, in the frame of the coroutine that holds it.
  struct Flight {
    explicit Flight(BlockDevice* of) : device(of) {}
    ~Flight() { device->leave(*this); }
    BlockDevice* device;
    bool under_way = false;
    Result<void> outcome;
    async::WaitQueue ended;
  };
  static constexpr std::uint16_t kRing = 128;
  // A paused guest sees the whole pause as a single timeout, so the device counts as unresponsive
  // only after kMaxTimeouts consecutive timeouts.
  static constexpr Duration kTimeout = seconds(10);
  static constexpr int kMaxTimeouts = 6;
  static constexpr Duration kTimeoutAtDeath = seconds(1);

  static Result<std::unique_ptr<BlockDevice>> open(async::Context& context, unsigned nth);
  Result<void> start();
  async::Task<Result<void>> perform(Operation operation, async::Wait wait);
  Result<void> begin(Flight* flight, const Operation& operation, std::uint64_t sectors);
  void leave(Flight& flight) noexcept;
  void end(Flight& flight, const Result<void>& outcome);
  void break_down(std::string_view why);

  // bus::Device
  bool poll() noexcept override;
  bool prepare_to_idle() noexcept override;

  Logger log_;
  std::unique_ptr<Transport> transport_;
  BlockLimits limits_;
  bool broken_ = false;
  bool flush_failed_ = false;
  std::unique_ptr<OwnedQueue> queue_;
  AlignedBuffer memory_;  // for the requests
  std::unique_ptr<BlockRequests> requests_;
  std::vector<Flight*> flights_;  // by the request's slot (`Place`)
  async::Semaphore slots_{0};
  async::Semaphore flushing_{1};
  std::array<Counter, kCounts> counters_;
};
static_assert(sig::BlockDevice<BlockDevice>);

}  // namespace fata::virtio
