// virtio-net (virtio 1.2, section 5.1) as a sig::NetDevice, with one pair of queues, checksum and
// segmentation offload, and EVENT_IDX. The device is notified once per turn of the loop.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "fata/async/context.hpp"
#include "fata/base/pool.hpp"
#include "fata/bus/device.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/virtio/frame_receiver.hpp"
#include "fata/virtio/transport.hpp"

namespace fata::virtio {

class NetDevice final : private bus::Device {
 public:
  // FrameReceiver's counters come first.
  enum Count : std::size_t { kSent = FrameReceiver::kCounts, kNoBuffer, kCounts };

  // The nth NIC of this machine. Without `offload`, frames are as on a wire: with checksums, and at
  // most the MTU long.
  static async::Task<Result<std::unique_ptr<NetDevice>>> connect(async::Context& context,
                                                                 bool offload = true,
                                                                 unsigned nth = 0);
  NetDevice(Logger log, std::unique_ptr<Transport> transport, std::uint64_t features,
            const NetConfig& config, bool roomy);
  ~NetDevice();

  // sig::NetDevice.
  MacAddress mac() const { return mac_; }
  std::size_t mtu() const { return mtu_; }
  sig::NetFeatures features() const { return features_; }
  async::Task<Result<std::size_t>> receive(std::span<sig::RxFrame> in, async::Wait wait = {});
  PacketBuf allocate(std::size_t headroom);
  std::size_t send(std::span<PacketBuf> out);
  async::Task<Result<void>> writable(async::Wait wait = {});
  bool low_on_buffers() const { return receiver_.available() < kReserve; }

  std::span<const Counter> counters() const { return counters_; }

 private:
  static Result<std::unique_ptr<NetDevice>> open(async::Context& context, bool offload,
                                                 unsigned nth);
  // With at least this much memory, the driver uses more and larger receive buffers
  // (ReceiveBuffers), and twice as many transmit buffers. With less, it uses 128 descriptors, with
  // which it still fits in a guest of 4 MB.
  static constexpr std::size_t kRoomy = 12 << 20;
  static constexpr std::uint16_t kRing = 128;
  static constexpr std::size_t kBufferSize = 2048;
  static constexpr std::size_t kSpare = 64;  // buffers beyond the ring's
  // With fewer free receive buffers than this, the stack copies received data.
  static constexpr std::size_t kReserve = 16;
  static constexpr std::size_t kChain = 1 + BufferChain::kMax;  // descriptors of a packet, at most

  static constexpr Duration kTimeoutAtEnd = milliseconds(100);

  Result<void> start(std::uint64_t features);
  void reap_sent();
  bool has_room() const { return (*tx_)->room() >= (features_.gather ? kChain : 1); }
  void break_down();
  void finish_sending();

  // bus::Device
  bool poll() noexcept override;
  bool prepare_to_idle() noexcept override;

  Logger log_;
  std::unique_ptr<Transport> transport_;
  MacAddress mac_;
  std::size_t mtu_;
  sig::NetFeatures features_;
  bool broken_ = false;
  std::array<Counter, kCounts> counters_;
  ReceiveBuffers buffers_;
  FrameReceiver receiver_;
  BufferPool tx_pool_;
  std::unique_ptr<OwnedQueue> rx_;
  std::unique_ptr<OwnedQueue> tx_;
  std::vector<PacketBuf> tx_in_flight_;  // by head
  async::WaitQueue readers_;
  async::WaitQueue writers_;
};
static_assert(sig::NetDevice<NetDevice>);

}  // namespace fata::virtio
