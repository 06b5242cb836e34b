#include "fata/ip/waiting.hpp"

namespace fata::ip {

WaitingPackets::WaitingPackets() {
  for (std::size_t i = 0; i + 1 < kPackets; ++i) places_[i].next = static_cast<std::uint8_t>(i + 1);
}

void WaitingPackets::push(Queue& queue, PacketBuf packet) {
  const std::size_t size = packet.total_size();
  while (!queue.empty() && (queue.size() == kPacketsEach || queue.bytes_ + size > kBytesEach)) {
    drop_oldest(queue);
  }
  while (packets_ == kPackets || (packets_ != 0 && bytes_ + size > kBytes)) drop_oldest(oldest());
  const std::uint8_t at = free_;
  Place& place = places_[at];
  free_ = place.next;
  place.packet = std::move(packet);
  place.queue = &queue;
  place.order = order_++;
  place.next = kNone;
  (queue.empty() ? queue.first_ : places_[queue.last_].next) = at;
  queue.last_ = at;
  ++queue.packets_;
  queue.bytes_ += static_cast<std::uint32_t>(size);
  ++packets_;
  bytes_ += size;
}

PacketBuf WaitingPackets::pop(Queue& queue) {
  if (queue.empty()) return {};
  const std::uint8_t at = queue.first_;
  Place& place = places_[at];
  PacketBuf packet = std::move(place.packet);
  const std::size_t size = packet.total_size();
  queue.first_ = place.next;
  --queue.packets_;
  queue.bytes_ -= static_cast<std::uint32_t>(size);
  --packets_;
  bytes_ -= size;
  place.queue = nullptr;
  place.next = free_;
  free_ = at;
  return packet;
}

void WaitingPackets::drop(Queue& queue) {
  while (!queue.empty()) drop_oldest(queue);
}

void WaitingPackets::drop_oldest(Queue& queue) {
  ++dropped_;
  (void)pop(queue);
}

WaitingPackets::Queue& WaitingPackets::oldest() {
  const Place* found = nullptr;
  for (const Place& each : places_) {
    if (each.queue != nullptr && (found == nullptr || each.order < found->order)) found = &each;
  }
  return *found->queue;
}

}  // namespace fata::ip
