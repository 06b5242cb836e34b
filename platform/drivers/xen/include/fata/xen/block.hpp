// A paravirtual disk (xen/io/blkif.h) as a sig::BlockDevice: several requests in flight, each of up
// to 256 KiB if the backend supports indirect requests. All data is copied through pages that stay
// granted to the backend. The backend is notified once per turn of the loop.
//
// When the backend disappears and returns, or the domain resumes on another host, the driver
// reconnects and repeats the requests in flight: performing a disk request twice does no harm.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "fata/async/background.hpp"
#include "fata/async/context.hpp"
#include "fata/async/semaphore.hpp"
#include "fata/base/counter.hpp"
#include "fata/bus/device.hpp"
#include "fata/sig/block.hpp"
#include "fata/xen/block_queue.hpp"
#include "fata/xen/xenbus.hpp"

namespace fata::xen {

enum class BlockSetupErrc : std::uint32_t { kNoDisk = 1, kNonsense };
const ErrorDomain& error_domain(BlockSetupErrc) noexcept;

class BlockDevice final : private bus::Device {
 public:
  enum Count : std::size_t { kReads, kWrites, kFlushes, kDiscards, kFailures, kCounts };

  // The nth disk of this domain.
  static async::Task<Result<std::unique_ptr<BlockDevice>>> connect(async::Context& context,
                                                                   unsigned nth = 0);
  BlockDevice(Logger log, Frontend frontend, bool roomy);
  ~BlockDevice();

  // sig::BlockDevice. Buffers may be anywhere in memory, because all data is copied. Operations
  // fail permanently with kGone if the disk is detached, or if its backend is missing or
  // unresponsive for a minute, breaks the protocol, or returns with a different disk.
  sig::BlockGeometry geometry() const { return limits_.geometry; }
  async::Task<Result<void>> read(std::uint64_t sector, MutableBytes in, async::Wait wait = {});
  async::Task<Result<void>> write(std::uint64_t sector, Bytes out, async::Wait wait = {});
  async::Task<Result<void>> flush(async::Wait wait = {});
  async::Task<Result<void>> discard(std::uint64_t sector, std::uint64_t count,
                                    async::Wait wait = {});

  std::span<const Counter> counters() const { return counters_; }

 private:
  using Kind = BlockQueue::Kind;
  enum class State : std::uint8_t { kIdle, kUnderWay, kLost };
  // An acquired slot, in the frame of the coroutine that holds it.
  struct Flight {
    explicit Flight(BlockDevice* of) : device(of) {}
    ~Flight() { device->leave_flight(*this); }
    BlockDevice* device;
    State state = State::kIdle;
    std::uint16_t place = 0;
    Result<void> outcome;
    async::WaitQueue ended;
  };
  static constexpr std::size_t kRoomy = 12 << 20;
  static constexpr Duration kTimeoutAtStart = seconds(20);  // for the backend's hotplug script
  // A paused domain sees the whole pause as a single timeout, so the backend counts as unresponsive
  // only after kMaxTimeouts consecutive timeouts.
  static constexpr Duration kTimeout = seconds(10);
  static constexpr int kMaxTimeouts = 6;
  static constexpr Duration kTimeoutAtDeath = seconds(1);
  // The toolstack waits a minute for the domain to suspend.
  static constexpr Duration kTimeoutAtSuspension = seconds(10);

  // Data transfer.
  async::Task<Result<void>> perform(BlockQueue::Request request, async::Wait wait);
  void begin(Flight& flight, BlockQueue::Request& request);
  void leave_flight(Flight& flight) noexcept;
  template <class Busy>
  void work_while(Busy busy, Duration timeout) noexcept;
  void reap();

  // Connecting.
  static async::Task<Result<std::unique_ptr<BlockDevice>>> open(Logger log, bool roomy,
                                                                unsigned nth,
                                                                async::CancelToken stop);
  async::Task<Result<void>> start(async::Wait wait);
  async::Task<Result<void>> join(async::Wait wait);
  async::Task<BlockOffer> read_offer(async::Wait wait);
  static async::Task<void> look_after(BlockDevice* self);
  async::Task<bool> backend_waits();
  static async::Wait soon();
  async::Task<bool> is_detached();
  void leave(bool forget);
  void break_down(std::string_view why);

  // bus::Device
  bool poll() noexcept override;
  bool prepare_to_idle() noexcept override;
  void suspend() noexcept override;
  void resume() noexcept override;

  Logger log_;
  Frontend frontend_;
  BlockQueue queue_;
  BlockLimits limits_;
  Port port_ = 0;
  XenbusEngine bus_{{.reopens_closed = true}};  // given up if it breaks the protocol
  bool flush_failed_ = false;
  std::size_t lost_requests_ = 0;
  std::vector<Flight*> flights_;  // indexed by BlockQueue place; null if no task is waiting
  async::Semaphore slots_{0};
  async::Semaphore flushing_{1};
  async::WaitQueue connected_;
  std::array<Counter, kCounts> counters_;
  std::optional<Watch> watch_;
  std::optional<async::Background> keeper_;
};
static_assert(sig::BlockDevice<BlockDevice>);

}  // namespace fata::xen
