// virtio-net's beginning and end, and what waits: built for size, unlike what moves frames.
#include "fata/virtio/net.hpp"

#include <cstddef>

#include "fata/base/platform.hpp"
#include "net_header.hpp"

namespace fata::virtio {

namespace {
constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr std::uint64_t kRequired = bit(VIRTIO_F_VERSION_1);
constexpr std::uint64_t kWanted = bit(VIRTIO_NET_F_MAC) | bit(VIRTIO_NET_F_MTU) |
                                  bit(VIRTIO_NET_F_MRG_RXBUF) | bit(VIRTIO_RING_F_EVENT_IDX);
constexpr std::uint64_t kCut =
    bit(VIRTIO_NET_F_HOST_TSO4) | bit(VIRTIO_NET_F_HOST_TSO6) | bit(VIRTIO_NET_F_HOST_ECN);
constexpr std::uint64_t kCoalesced =
    bit(VIRTIO_NET_F_GUEST_TSO4) | bit(VIRTIO_NET_F_GUEST_TSO6) | bit(VIRTIO_NET_F_GUEST_ECN);
constexpr std::uint64_t kOffloads = bit(VIRTIO_NET_F_CSUM) | bit(VIRTIO_NET_F_GUEST_CSUM) | kCut;
}  // namespace

Result<std::unique_ptr<NetDevice>> NetDevice::open(async::Context& context, bool offload, unsigned nth) {
  Result<std::unique_ptr<Transport>> transport = find_device(VIRTIO_ID_NET, nth);
  if (!transport) return fail(transport.error());
  const bool roomy = context.memory >= kRoomy;
  std::uint64_t wanted = kWanted | (offload ? kOffloads : 0);
  // Without mergeable buffers each would have to be of 64 KiB, and of a device's features some need others.
  const std::uint64_t offered = (*transport)->offered_features();
  if (offload && roomy && (offered & bit(VIRTIO_NET_F_MRG_RXBUF)) != 0 && (offered & kOffloads) == kOffloads)
    wanted |= kCoalesced;
  const Result<std::uint64_t> features = negotiate(**transport, kRequired, wanted);
  if (!features) return fail(features.error());
  auto device =
      std::make_unique<NetDevice>(context.logger("virtio-net"), std::move(*transport), *features, roomy);
  if (const Result<void> started = device->start(*features); !started) return fail(started.error());
  return device;
}

async::Task<Result<std::unique_ptr<NetDevice>>> NetDevice::connect(async::Context& context, bool offload,
                                                                   unsigned nth) {
  return async::ready(open(context, offload, nth));
}

NetDevice::NetDevice(Logger log, std::unique_ptr<Transport> transport, std::uint64_t features, bool roomy)
    : log_(log),
      transport_(std::move(transport)),
      ring_(roomy ? 2 * kRing : kRing),
      rx_pool_(ring_ + kSpare, roomy ? 2 * kBufferSize : kBufferSize),
      tx_pool_(ring_ + kSpare, kBufferSize),
      counters_{Counter{"received"}, Counter{"sent"}, Counter{"too_long"}, Counter{"bad_length"},
                Counter{"no_buffer"}} {
  features_.tx_checksum = (features & bit(VIRTIO_NET_F_CSUM)) != 0;
  features_.receive_memory = rx_pool_.count() * rx_pool_.buffer_size();
  features_.rx_checksum = (features & bit(VIRTIO_NET_F_GUEST_CSUM)) != 0;
  for (std::size_t i = 0; i < mac_.octets.size(); ++i) {
    mac_.octets[i] = static_cast<std::byte>(transport_->config8(offsetof(virtio_net_config, mac) + i));
  }
  if ((features & bit(VIRTIO_NET_F_MTU)) != 0) {
    const std::size_t at = offsetof(virtio_net_config, mtu);
    const std::size_t offered = transport_->config8(at) | std::size_t{transport_->config8(at + 1)} << 8;
    mtu_ = std::min<std::size_t>(offered, kBufferSize - kNetHeaderSize - 18);
  }
}

NetDevice::~NetDevice() {
  finish_sending();
  if (transport_ != nullptr) transport_->set_status(0);
  guest::detach(*this);
}

Result<void> NetDevice::start(std::uint64_t features) {
  const bool event_index = (features & bit(VIRTIO_RING_F_EVENT_IDX)) != 0;
  auto rx = start_queue(*transport_, kReceiveQueue, ring_, event_index);
  if (!rx) return fail(rx.error());
  auto tx = start_queue(*transport_, kTransmitQueue, ring_, event_index);
  if (!tx) return fail(tx.error());
  rx_ = std::move(*rx);
  tx_ = std::move(*tx);
  rx_in_flight_.resize((**rx_).size());
  tx_in_flight_.resize((**tx_).size());
  features_.gather = features_.tx_checksum && (**tx_).size() >= 2 * kChain;
  features_.tso4 = features_.tso6 = features_.gather && (features & kCut) == kCut;
  drive(*transport_);
  refill();
  guest::attach(*this);
  log_.info("features: ", features_.tx_checksum ? "tx-checksum " : "",
            features_.rx_checksum ? "rx-checksum " : "", features_.tso4 ? "tx-tso " : "",
            (features & kCoalesced) != 0 ? "rx-tso " : "",
            (features & bit(VIRTIO_NET_F_MRG_RXBUF)) != 0 ? "mergeable-buffers " : "",
            event_index ? "event-index " : "", "queue ", (**rx_).size(), ", mtu ", mtu_);
  return {};
}

async::Task<Result<void>> NetDevice::writable(async::Wait wait) {
  for (;;) {
    if (broken_ || has_room()) co_return Result<void>{};
    reap_sent();
    if (broken_ || has_room()) co_return Result<void>{};
    const auto woken = co_await writers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

// What was sent at the end (a lease given back, a FIN) leaves before the reset throws it away.
void NetDevice::finish_sending() {
  if (broken_ || tx_ == nullptr) return;
  if ((*tx_)->publish()) transport_->notify(kTransmitQueue);
  const Instant until = platform::monotonic_now() + kPatienceAtEnd;
  while (!broken_ && (*tx_)->room() != (*tx_)->size() && platform::monotonic_now() < until) reap_sent();
}

void NetDevice::break_down() {
  if (broken_) return;
  broken_ = true;
  // After the reset the device may not touch our memory any more; what it holds goes home.
  transport_->set_status(0);
  for (PacketBuf& packet : rx_in_flight_) packet.reset();
  for (PacketBuf& packet : tx_in_flight_) packet.reset();
  merged_ = {};
  log_.error(Error(Errc::kBroken));
  readers_.notify_all();
  writers_.notify_all();
}

}  // namespace fata::virtio
