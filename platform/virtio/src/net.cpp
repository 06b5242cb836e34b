#include "fata/virtio/net.hpp"

#include <cstddef>

#include "net_header.hpp"

namespace fata::virtio {

namespace {
constexpr std::uint16_t kReceiveQueue = 0;
constexpr std::uint16_t kTransmitQueue = 1;
constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr std::uint64_t kRequired = bit(VIRTIO_F_VERSION_1);
constexpr std::uint64_t kWanted = bit(VIRTIO_NET_F_MAC) | bit(VIRTIO_NET_F_MTU) | bit(VIRTIO_NET_F_CSUM) |
                                  bit(VIRTIO_NET_F_GUEST_CSUM) | bit(VIRTIO_NET_F_MRG_RXBUF) |
                                  bit(VIRTIO_RING_F_EVENT_IDX);
}  // namespace

[[clang::minsize]] Result<std::unique_ptr<NetDevice>> NetDevice::open(async::Context& context, unsigned nth) {
  Result<std::unique_ptr<Transport>> transport = find_device(VIRTIO_ID_NET, nth);
  if (!transport) return fail(transport.error());
  const Result<std::uint64_t> features = negotiate(**transport, kRequired, kWanted);
  if (!features) return fail(features.error());
  auto device = std::make_unique<NetDevice>(context.logger("virtio-net"), std::move(*transport), *features);
  if (const Result<void> started = device->start(*features); !started) return fail(started.error());
  return device;
}

async::Task<Result<std::unique_ptr<NetDevice>>> NetDevice::connect(async::Context& context, unsigned nth) {
  return async::ready(open(context, nth));
}

[[clang::minsize]] NetDevice::NetDevice(Logger log, std::unique_ptr<Transport> transport,
                                        std::uint64_t features)
    : log_(log),
      transport_(std::move(transport)),
      counters_{Counter{"received"}, Counter{"sent"}, Counter{"too_long"}, Counter{"bad_length"},
                Counter{"no_buffer"}} {
  features_.tx_checksum = (features & bit(VIRTIO_NET_F_CSUM)) != 0;
  features_.receive_memory = kRxBuffers * kBufferSize;
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

[[clang::minsize]] NetDevice::~NetDevice() {
  if (transport_ != nullptr) transport_->set_status(0);
  kvm::detach(*this);
}

[[clang::minsize]] Result<void> NetDevice::start(std::uint64_t features) {
  const bool event_index = (features & bit(VIRTIO_RING_F_EVENT_IDX)) != 0;
  auto rx = start_queue(*transport_, kReceiveQueue, kRing, event_index);
  if (!rx) return fail(rx.error());
  auto tx = start_queue(*transport_, kTransmitQueue, kRing, event_index);
  if (!tx) return fail(tx.error());
  rx_ = std::move(*rx);
  tx_ = std::move(*tx);
  drive(*transport_);
  refill();
  kvm::attach(*this);
  log_.info("features: ", features_.tx_checksum ? "tx-checksum " : "",
            features_.rx_checksum ? "rx-checksum " : "",
            (features & bit(VIRTIO_NET_F_MRG_RXBUF)) != 0 ? "mergeable-buffers " : "",
            event_index ? "event-index " : "", "queue ", (**rx_).size(), ", mtu ", mtu_);
  return {};
}

void NetDevice::refill() {
  while ((*rx_)->room() != 0) {
    PacketBuf buffer = rx_pool_.allocate();
    if (!buffer) break;
    const MutableBytes room = buffer.tail();
    const Segment segment{kvm::dma_address(room.data()), static_cast<std::uint32_t>(room.size()), true};
    const auto head = (*rx_)->add(std::span(&segment, 1));
    if (!head) break;
    rx_in_flight_[*head] = std::move(buffer);
  }
}

std::size_t NetDevice::take_received(std::span<sig::RxFrame> in) {
  std::size_t count = 0;
  while (count < in.size()) {
    const auto done = (*rx_)->pop();
    if (!done) break;
    PacketBuf buffer = std::move(rx_in_flight_[done->head]);
    if (merge_left_ != 0) {
      --merge_left_;
      continue;
    }
    (void)buffer.append(done->written);
    const auto header = NetHeader::parse(buffer.bytes());
    if (!header) {
      ++counters_[kBadLength];
      continue;
    }
    if (header->buffers > 1) {
      // Longer than a buffer, hence than the MTU allows: nobody sent that to us on this link.
      merge_left_ = static_cast<std::uint16_t>(header->buffers - 1);
      ++counters_[kTooLong];
      continue;
    }
    buffer.trim_front(kNetHeaderSize);
    in[count++] = {Slice(std::move(buffer)), {}, header->received()};
  }
  counters_[kReceived] += count;
  if ((*rx_)->broken()) break_down();
  refill();
  return count;
}

async::Task<Result<std::size_t>> NetDevice::receive(std::span<sig::RxFrame> in, async::Wait wait) {
  for (;;) {
    if (broken_) co_return fail(Error(Errc::kBroken));
    if (const std::size_t count = take_received(in); count != 0) co_return count;
    if (broken_) continue;
    const auto woken = co_await readers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

PacketBuf NetDevice::allocate(std::size_t headroom) {
  PacketBuf packet = tx_pool_.allocate(headroom + kNetHeaderSize);
  if (packet) return packet;
  reap_sent();
  packet = tx_pool_.allocate(headroom + kNetHeaderSize);
  if (!packet) ++counters_[kNoBuffer];
  return packet;
}

void NetDevice::reap_sent() {
  while (const auto done = (*tx_)->pop()) tx_in_flight_[done->head].reset();
  if ((*tx_)->broken()) break_down();
}

std::size_t NetDevice::send(std::span<PacketBuf> out) {
  if (broken_) {  // a wire that leads nowhere
    for (PacketBuf& packet : out) packet.reset();
    return out.size();
  }
  if ((*tx_)->room() < out.size()) reap_sent();
  std::size_t taken = 0;
  for (PacketBuf& packet : out) {
    if ((*tx_)->room() == 0) break;
    NetHeader::of(packet.offload()).write(packet.prepend(kNetHeaderSize));
    const MutableBytes bytes = packet.bytes();
    const Segment segment{kvm::dma_address(bytes.data()), static_cast<std::uint32_t>(bytes.size()), false};
    const auto head = (*tx_)->add(std::span(&segment, 1));
    check(head.has_value(), "a virtqueue with room refuses a packet");
    tx_in_flight_[*head] = std::move(packet);
    ++taken;
  }
  counters_[kSent] += taken;
  return taken;
}

async::Task<Result<void>> NetDevice::writable(async::Wait wait) {
  for (;;) {
    if (broken_ || (*tx_)->room() != 0) co_return Result<void>{};
    reap_sent();
    if (broken_ || (*tx_)->room() != 0) co_return Result<void>{};
    const auto woken = co_await writers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

[[clang::minsize]] void NetDevice::break_down() {
  if (broken_) return;
  broken_ = true;
  // After the reset the device may not touch our memory any more; what it holds goes home.
  transport_->set_status(0);
  for (PacketBuf& packet : rx_in_flight_) packet.reset();
  for (PacketBuf& packet : tx_in_flight_) packet.reset();
  log_.error(Error(Errc::kBroken));
  readers_.notify_all();
  writers_.notify_all();
}

bool NetDevice::poll() noexcept {
  if (broken_) return false;
  // Buffers that were held when frames were taken may have come home: a ring left empty would never wake its
  // reader.
  if ((*rx_)->room() != 0) refill();
  if ((*rx_)->publish()) transport_->notify(kReceiveQueue);
  if ((*tx_)->publish()) transport_->notify(kTransmitQueue);
  bool any = false;
  if ((*rx_)->pending() && !readers_.empty()) {
    readers_.notify_all();
    any = true;
  }
  if ((*tx_)->pending() && !writers_.empty()) {
    writers_.notify_all();
    any = true;
  }
  return any;
}

bool NetDevice::prepare_to_idle() noexcept {
  if (broken_) return true;
  transport_->acknowledge();
  // Nobody waits for received frames (the reader is busy elsewhere): what comes stays in the ring until it is
  // asked for.
  bool quiet = readers_.empty() || (*rx_)->enable_interrupts();
  if (!writers_.empty()) quiet = (*tx_)->enable_interrupts() && quiet;
  return quiet;
}

}  // namespace fata::virtio
