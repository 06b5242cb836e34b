// A tap device of the Linux host as a sig::NetDevice. It uses virtio-net headers for checksum and
// segmentation offload, and io_uring with one system call per batch for both directions. Where
// io_uring is not permitted, it makes one system call per frame.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>

#include "fata/async/context.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/pool.hpp"
#include "fata/linux/reactor.hpp"
#include "fata/linux/sandbox.hpp"
#include "fata/sig/net_device.hpp"

namespace fata::linux {

enum class TapErrc : std::uint32_t { kBadName = 1, kNoTun, kNoRights, kBusy };
const ErrorDomain& error_domain(TapErrc) noexcept;

class Tap final : private Poller {
 public:
  enum Count : std::size_t {
    kReceived,
    kSent,
    kReceivedCoalesced,  // of kReceived: coalesced segments (GRO)
    kSentUncut,          // of kSent: segmented by the kernel (GSO)
    kTruncated,          // received, longer than the maximum frame; dropped
    kSendErrors,
    kNoBuffer,
    kSystemCalls,
    kCounts
  };

  // Attaches to the tap `name`, or creates it if it does not exist, which needs CAP_NET_ADMIN (the
  // kernel removes that tap when the process ends). Without `offload`, frames are as on a wire:
  // with checksums, and at most the MTU long.
  static async::Task<Result<std::unique_ptr<Tap>>> connect(async::Context& context,
                                                           std::string_view name,
                                                           bool offload = true);
  ~Tap();

  // sig::NetDevice.
  MacAddress mac() const { return mac_; }
  std::size_t mtu() const { return mtu_; }
  sig::NetFeatures features() const;
  async::Task<Result<std::size_t>> receive(std::span<sig::RxFrame> in, async::Wait wait = {});
  PacketBuf allocate(std::size_t headroom);
  std::size_t send(std::span<PacketBuf> out);
  async::Task<Result<void>> writable(async::Wait wait = {});
  bool low_on_buffers() const {
    return pool_.available() < 2 * reserve() || (offload_ && large_.available() < kLargeReserve);
  }

  std::span<const Counter> counters() const { return counters_; }
  SandboxNeeds sandbox_needs() const;

 private:
  static Result<std::unique_ptr<Tap>> open(async::Context& context, std::string_view name,
                                           bool offload);
  static async::Task<Result<std::unique_ptr<Tap>>> open_patiently(async::Context* context,
                                                                  std::string_view name,
                                                                  bool offload);
  struct Ring;
  static constexpr std::size_t kBatch = 64;  // reads or writes in one system call
  // Both directions share 1024 buffers of 2 KiB, a quarter of them reserved for receiving. On a
  // link with a larger MTU, each buffer holds a whole frame, and there are as many as fit in
  // kMemory, but at least kMinBuffers.
  static constexpr std::size_t kBufferSize = 2048;
  // The largest headroom that the layers above request, and our header.
  static constexpr std::size_t kHeadroom = 128;
  static constexpr std::size_t kMemory = std::size_t{4} << 20;
  static constexpr std::size_t kMaxBuffers = 1024, kMinBuffers = 96;
  static constexpr std::size_t buffer_size(std::size_t mtu) {
    return std::max(kBufferSize, kHeadroom + mtu);
  }
  static constexpr std::size_t buffer_count(std::size_t mtu) {
    return std::clamp(kMemory / buffer_size(mtu), kMinBuffers, kMaxBuffers);
  }
  std::size_t reserve() const { return pool_.count() / 4; }
  // The rest of a frame that is longer than a buffer goes to large buffers. Each read has enough of
  // them for the longest frame.
  static constexpr std::size_t kLargeSize = 16384;
  static constexpr std::size_t kLargeBuffers = 512;
  static constexpr std::size_t kLargeReserve = 128;

  Tap(Fd fd, std::unique_ptr<Ring> ring, std::size_t mtu, MacAddress mac, Logger log, bool offload);
  void start_ring();
  void take_staged();
  bool prepare_read(std::size_t slot);
  void queue_writes(std::size_t count);
  std::size_t queue_reads(std::size_t count);
  void submit(std::size_t reads);
  void submit_plainly(std::size_t writes, std::size_t reads);
  void take_received(std::size_t slot, std::size_t size);
  struct Batch;
  void end(std::uint64_t tag, int outcome, Batch& batch);
  void complete();
  bool poll() noexcept override;

  Fd fd_;
  std::size_t mtu_;
  MacAddress mac_;
  Logger log_;
  bool offload_;
  BufferPool pool_;
  BufferPool large_;  // empty without offload
  // Declared after the pools, so that it is destroyed first and ends every read in flight.
  std::unique_ptr<Ring> ring_;
  Watch watch_;
  std::size_t reads_ = 8;  // the number to try next: twice the last batch
  std::size_t max_reads_;
  bool failed_ = false;
  async::WaitQueue readers_;
  async::WaitQueue writers_;
  std::array<Counter, kCounts> counters_;
};
static_assert(sig::NetDevice<Tap>);

}  // namespace fata::linux
