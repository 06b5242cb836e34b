// A paravirtual NIC (xen/io/netif.h) as a sig::NetDevice: the backend copies received frames into
// the driver's pages. Supports checksum and segmentation offload in both directions, and frames in
// several pieces. The backend is notified once per turn of the loop.
//
// When the backend disappears and returns, or the domain resumes on another host, the driver
// reconnects. Packets in flight are lost, as on a wire.
#pragma once

#include <memory>
#include <optional>

#include "fata/async/background.hpp"
#include "fata/async/context.hpp"
#include "fata/bus/device.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/xen/net_queue.hpp"
#include "fata/xen/xenbus.hpp"

namespace fata::xen {

class NetDevice final : private bus::Device {
 public:
  // The nth NIC of this domain. Without `offload`, frames are as on a wire: with checksums, and at
  // most the MTU long.
  static async::Task<Result<std::unique_ptr<NetDevice>>> connect(async::Context& context,
                                                                 bool offload = true,
                                                                 unsigned nth = 0);
  NetDevice(Logger log, Frontend frontend, bool offload, bool roomy);
  ~NetDevice();

  // sig::NetDevice.
  MacAddress mac() const { return mac_; }
  std::size_t mtu() const { return mtu_; }
  sig::NetFeatures features() const { return features_; }
  async::Task<Result<std::size_t>> receive(std::span<sig::RxFrame> in, async::Wait wait = {});
  PacketBuf allocate(std::size_t headroom) { return queue_.allocate(headroom); }
  std::size_t send(std::span<PacketBuf> out);
  async::Task<Result<void>> writable(async::Wait wait = {});
  bool low_on_buffers() const { return queue_.low_on_buffers(); }

  std::span<const Counter> counters() const { return queue_.counters(); }

 private:
  static constexpr std::size_t kRoomy = 12 << 20;
  // For the backend's hotplug script, at startup.
  static constexpr Duration kTimeout = seconds(20);
  static constexpr Duration kTimeoutAtEnd = milliseconds(100);

  static async::Task<Result<std::unique_ptr<NetDevice>>> open(Logger log, bool offload, bool roomy,
                                                              unsigned nth,
                                                              async::CancelToken stop);
  async::Task<Result<void>> start(async::Wait wait);
  static async::Wait soon();
  async::Task<Result<void>> join(async::Wait wait);
  static async::Task<void> look_after(NetDevice* self);
  void leave();
  void finish_sending();

  // bus::Device
  bool poll() noexcept override;
  bool prepare_to_idle() noexcept override;
  void resume() noexcept override;

  Logger log_;
  Frontend frontend_;
  bool offload_, roomy_;
  MacAddress mac_{};
  std::size_t mtu_ = 1500;
  sig::NetFeatures features_;
  NetQueue queue_;
  Port port_ = 0;
  // After a protocol error of the backend, the connection is closed and reopened, at most this
  // often.
  static constexpr unsigned kMaxResets = 8;
  XenbusEngine bus_{{.max_resets = kMaxResets}};
  std::optional<Watch> watch_;
  async::WaitQueue readers_;
  async::WaitQueue writers_;
  std::optional<async::Background> keeper_;
};
static_assert(sig::NetDevice<NetDevice>);

}  // namespace fata::xen
