// virtio-net (virtio 1.2, section 5.1) as a sig::NetDevice: one pair of queues, mergeable receive buffers, checksum offload,
// EVENT_IDX; the device is notified once a turn of the loop.
#pragma once

#include <array>
#include <memory>

#include "fata/async/context.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/pool.hpp"
#include "fata/kvm/device.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/virtio/transport.hpp"

namespace fata::virtio {

class NetDevice final : private kvm::Device {
 public:
  enum Count : std::size_t { kReceived, kSent, kTooLong, kBadLength, kNoBuffer, kCounts };

  // The first card of this machine that is not taken yet.
  static async::Task<Result<std::unique_ptr<NetDevice>>> connect(async::Context& context, unsigned nth = 0);
  NetDevice(Logger log, std::unique_ptr<Transport> transport, std::uint64_t features);
  ~NetDevice();

  // The device as sig::NetDevice.
  MacAddress mac() const { return mac_; }
  std::size_t mtu() const { return mtu_; }
  sig::NetFeatures features() const { return features_; }
  async::Task<Result<std::size_t>> receive(std::span<sig::RxFrame> in, async::Wait wait = {});
  PacketBuf allocate(std::size_t headroom);
  std::size_t send(std::span<PacketBuf> out);
  async::Task<Result<void>> writable(async::Wait wait = {});

  std::span<const Counter> counters() const { return counters_; }

 private:
  static Result<std::unique_ptr<NetDevice>> open(async::Context& context, unsigned nth);
  // 128 descriptors each way: 512 KiB of buffers, which still fits a guest of 4 MB.
  static constexpr std::uint16_t kRing = 128;
  static constexpr std::size_t kBufferSize = 2048;
  static constexpr std::size_t kRxBuffers = kRing + 64;  // a reserve, so that held slices do not empty the ring
  static constexpr std::size_t kTxBuffers = kRing + 64;

  Result<void> start(std::uint64_t features);
  void refill();
  void reap_sent();
  std::size_t take_received(std::span<sig::RxFrame> in);
  void break_down();

  // kvm::Device
  bool poll() noexcept override;
  bool prepare_to_idle() noexcept override;

  Logger log_;
  std::unique_ptr<Transport> transport_;
  MacAddress mac_;
  std::size_t mtu_ = 1500;
  sig::NetFeatures features_;
  bool broken_ = false;
  BufferPool rx_pool_{kRxBuffers, kBufferSize};
  BufferPool tx_pool_{kTxBuffers, kBufferSize};
  std::unique_ptr<OwnedQueue> rx_;
  std::unique_ptr<OwnedQueue> tx_;
  std::array<PacketBuf, kRing> rx_in_flight_;  // by head
  std::array<PacketBuf, kRing> tx_in_flight_;
  std::uint16_t merge_left_ = 0;  // buffers still to come of a frame that is being dropped
  async::WaitQueue readers_;
  async::WaitQueue writers_;
  std::array<Counter, kCounts> counters_;
};
static_assert(sig::NetDevice<NetDevice>);

}  // namespace fata::virtio
