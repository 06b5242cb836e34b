// Setup, shutdown and waiting for virtio-net. Built for size, unlike the code that moves frames.
#include "fata/virtio/net.hpp"

#include <cstddef>

#include "fata/base/platform.hpp"
#include "fata/bus/memory.hpp"
#include "net_header.hpp"

namespace fata::virtio {

namespace {
constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr std::uint64_t kRequired = bit(VIRTIO_F_VERSION_1);

NetConfig read_config(Transport& transport, std::uint64_t features) {
  std::array<std::byte, NetConfig::kSize> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(transport.config8(i));
  return NetConfig::parse(features, bytes);
}

// A random, locally administered address.
MacAddress random_mac() {
  MacAddress mac;
  platform::entropy(mac.octets);
  mac.octets[0] = (mac.octets[0] & std::byte{0xfc}) | std::byte{2};
  return mac;
}
}  // namespace

Result<std::unique_ptr<NetDevice>> NetDevice::open(async::Context& context, bool offload,
                                                   unsigned nth) {
  [[clang::uninitialized]] Result<std::unique_ptr<Transport>> transport =
      claim_device(bus::DeviceKind::kNic, nth);
  if (!transport) return fail(transport.error());
  const bool roomy = context.memory >= kRoomy;
  [[clang::uninitialized]] const Result<std::uint64_t> all = offered(**transport);
  if (!all) return fail(all.error());
  const std::uint64_t wanted = choose_net_features(*all, offload, roomy);
  [[clang::uninitialized]] const Result<std::uint64_t> features =
      agree(**transport, *all, kRequired, wanted);
  if (!features) return fail(features.error());
  const NetConfig config = read_config(**transport, *features);
  auto device = std::make_unique<NetDevice>(context.logger("virtio-net"), std::move(*transport),
                                            *features, config, roomy);
  if ([[clang::uninitialized]] const Result<void> started = device->start(*features); !started)
    return fail(started.error());
  return device;
}

async::Task<Result<std::unique_ptr<NetDevice>>> NetDevice::connect(async::Context& context,
                                                                   bool offload, unsigned nth) {
  return async::ready(open(context, offload, nth));
}

NetDevice::NetDevice(Logger log, std::unique_ptr<Transport> transport, std::uint64_t features,
                     const NetConfig& config, bool roomy)
    : log_(log),
      transport_(std::move(transport)),
      mac_(config.mac ? *config.mac : random_mac()),
      mtu_(std::min<std::size_t>(config.link_mtu, kBufferSize - kNetHeaderSize - 18)),
      counters_{Counter{"received"}, Counter{"too_long"}, Counter{"bad_length"}, Counter{"sent"},
                Counter{"no_buffer"}},
      buffers_(ReceiveBuffers::choose(features, config.link_mtu, roomy)),
      receiver_(features, buffers_, bus::dma_address, counters_),
      tx_pool_((roomy ? 2 * kRing : kRing) + kSpare, kBufferSize) {
  features_.tx_checksum = (features & bit(VIRTIO_NET_F_CSUM)) != 0;
  features_.receive_memory = receiver_.memory();
  features_.rx_checksum = (features & bit(VIRTIO_NET_F_GUEST_CSUM)) != 0;
}

NetDevice::~NetDevice() {
  finish_sending();
  if (transport_ != nullptr) stop(*transport_);
  bus::detach(*this);
}

Result<void> NetDevice::start(std::uint64_t features) {
  const bool event_index = (features & bit(VIRTIO_RING_F_EVENT_IDX)) != 0;
  [[clang::uninitialized]] auto rx =
      start_queue(*transport_, kReceiveQueue, buffers_.ring, event_index);
  if (!rx) return fail(rx.error());
  const auto tx_ring = static_cast<std::uint16_t>(tx_pool_.count() - kSpare);
  [[clang::uninitialized]] auto tx = start_queue(*transport_, kTransmitQueue, tx_ring, event_index);
  if (!tx) return fail(tx.error());
  rx_ = std::move(*rx);
  tx_ = std::move(*tx);
  tx_in_flight_.resize((**tx_).size());
  features_.gather = features_.tx_checksum && (**tx_).size() >= 2 * kChain;
  features_.tso4 = features_.gather && (features & bit(VIRTIO_NET_F_HOST_TSO4)) != 0;
  features_.tso6 = features_.gather && (features & bit(VIRTIO_NET_F_HOST_TSO6)) != 0;
  drive(*transport_);
  receiver_.start(**rx_);
  bus::attach(*this);
  log_.info("features: ", features_.tx_checksum ? "tx-checksum " : "",
            features_.rx_checksum ? "rx-checksum " : "", features_.tso4 ? "tx-tso " : "",
            (features & bit(VIRTIO_NET_F_GUEST_TSO4)) != 0 ? "rx-tso " : "",
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

// Lets frames sent during shutdown (a DHCP release, a FIN) leave before the reset discards them.
void NetDevice::finish_sending() {
  if (broken_ || tx_ == nullptr) return;
  if ((*tx_)->publish()) transport_->notify(kTransmitQueue);
  const Instant until = platform::monotonic_now() + kTimeoutAtEnd;
  while (!broken_ && (*tx_)->room() != (*tx_)->size() && platform::monotonic_now() < until)
    reap_sent();
}

void NetDevice::break_down() {
  if (broken_) return;
  broken_ = true;
  // After the reset, the device must no longer access our memory; its buffers are recycled.
  stop(*transport_);
  receiver_.stop();
  for (PacketBuf& packet : tx_in_flight_) packet.reset();
  log_.error(Error(Errc::kBroken));
  readers_.notify_all();
  writers_.notify_all();
}

}  // namespace fata::virtio
