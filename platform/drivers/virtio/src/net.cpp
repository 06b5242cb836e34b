#include "fata/virtio/net.hpp"

#include "fata/bus/memory.hpp"
#include "net_header.hpp"

namespace fata::virtio {

async::Task<Result<std::size_t>> NetDevice::receive(std::span<sig::RxFrame> in, async::Wait wait) {
  for (;;) {
    if (broken_) co_return fail(Error(Errc::kBroken));
    const std::size_t count = receiver_.receive(in);
    if ((*rx_)->broken()) break_down();
    if (count != 0) co_return count;
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
  if (!broken_ && ((*tx_)->room() < out.size() || !has_room())) reap_sent();
  if (broken_) {  // reap_sent() may have set it: drop the packets
    for (PacketBuf& packet : out) packet.reset();
    return out.size();
  }
  std::size_t taken = 0;
  for (PacketBuf& packet : out) {
    if (!has_room()) break;
    NetHeader::of(packet.offload()).write(packet.prepend(kNetHeaderSize));
    std::array<Segment, kChain> chain;
    std::size_t length = 0;
    const auto add = [&](Bytes bytes) {
      chain[length++] = {bus::dma_address(bytes.data()), static_cast<std::uint32_t>(bytes.size()),
                         false};
    };
    add(packet.bytes());
    for (const Slice& piece : packet.chain().pieces()) add(piece.bytes());
    const auto head = (*tx_)->add(std::span(chain).first(length));
    check(head.has_value(), "a virtqueue with room refuses a packet");
    tx_in_flight_[*head] = std::move(packet);
    ++taken;
  }
  counters_[kSent] += taken;
  return taken;
}

bool NetDevice::poll() noexcept {
  if (broken_) return false;
  // Buffers that were in use when frames were taken may have been recycled. A ring left empty would
  // never wake its reader.
  if ((*rx_)->room() != 0) receiver_.refill();
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
  // If the reader is not waiting (it is busy elsewhere), frames stay in the ring until it calls
  // receive().
  bool quiet = readers_.empty() || (*rx_)->enable_interrupts();
  if (!writers_.empty()) quiet = (*tx_)->enable_interrupts() && quiet;
  return quiet;
}

}  // namespace fata::virtio
