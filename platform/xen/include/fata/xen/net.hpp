// A paravirtual network card (xen/io/netif.h) as a sig::NetDevice: received frames are copied into
// our pages by the backend, checksum and segmentation offload both ways, frames in several pieces.
// The backend is notified once a turn of the loop.
//
// When the backend goes away and comes back, or the domain goes on elsewhere, the card connects
// anew; what was under way is lost, as on a wire.
#pragma once

#include <memory>
#include <optional>

#include "fata/async/background.hpp"
#include "fata/async/context.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/xen/device.hpp"
#include "fata/xen/net_queue.hpp"
#include "fata/xen/xenbus.hpp"

namespace fata::xen {

class NetDevice final : private Device {
 public:
  // The nth card of this domain. Without `offload` frames travel as on a wire: with their
  // checksums, none longer than the MTU.
  static async::Task<Result<std::unique_ptr<NetDevice>>> connect(async::Context& context,
                                                                 bool offload = true,
                                                                 unsigned nth = 0);
  NetDevice(Logger log, Frontend frontend, bool offload, bool roomy);
  ~NetDevice();

  // The device as sig::NetDevice.
  MacAddress mac() const { return mac_; }
  std::size_t mtu() const { return mtu_; }
  sig::NetFeatures features() const { return features_; }
  async::Task<Result<std::size_t>> receive(std::span<sig::RxFrame> in, async::Wait wait = {});
  PacketBuf allocate(std::size_t headroom) { return queue_.allocate(headroom); }
  std::size_t send(std::span<PacketBuf> out);
  async::Task<Result<void>> writable(async::Wait wait = {});
  bool scarce() const { return queue_.scarce(); }

  std::span<const Counter> counters() const { return queue_.counters(); }

 private:
  static constexpr std::size_t kRoomy = 12 << 20;
  // For the backend's hotplug script, at the start.
  static constexpr Duration kPatience = seconds(20);
  static constexpr Duration kPatienceAtEnd = milliseconds(100);

  static async::Task<Result<std::unique_ptr<NetDevice>>> open(Logger log, bool offload, bool roomy,
                                                              unsigned nth,
                                                              async::CancelToken stop);
  async::Task<Result<void>> start(async::Wait wait);
  static async::Wait soon();
  async::Task<Result<void>> join(async::Wait wait);
  static async::Task<void> look_after(NetDevice* self);
  void leave(bool forget);
  void finish_sending();

  // Device
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
  bool lost_ = false;  // after a suspension, until connected again
  // The backend broke the protocol: the connection is closed and begun anew, so many times.
  static constexpr unsigned kMostResets = 8;
  bool broke_ = false, begin_anew_ = false;
  unsigned resets_ = 0;
  std::optional<Watch> watch_;
  async::WaitQueue readers_;
  async::WaitQueue writers_;
  std::optional<async::Background> keeper_;
};
static_assert(sig::NetDevice<NetDevice>);

}  // namespace fata::xen
