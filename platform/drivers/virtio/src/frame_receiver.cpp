#include "fata/virtio/frame_receiver.hpp"

namespace fata::virtio {

FrameReceiver::FrameReceiver(std::uint64_t features, const ReceiveBuffers& buffers,
                             AddressOf address, std::span<Counter> counters)
    : pool_(buffers.ring + buffers.spare, buffers.size),
      merger_(features),
      address_(address),
      counters_(counters) {}

void FrameReceiver::start(Queue& queue) {
  queue_ = &queue;
  in_flight_.resize(queue.size());
  refill();
}

void FrameReceiver::refill() {
  while (queue_->room() != 0) {
    PacketBuf buffer = pool_.allocate();
    if (!buffer) break;
    const MutableBytes room = buffer.tail();
    const Segment segment{address_(room.data()), static_cast<std::uint32_t>(room.size()), true};
    const auto head = queue_->add(std::span(&segment, 1));
    if (!head) break;
    in_flight_[*head] = std::move(buffer);
  }
}

std::size_t FrameReceiver::receive(std::span<sig::RxFrame> in) {
  std::size_t count = 0;
  while (count < in.size()) {
    const auto done = queue_->pop();
    if (!done) break;
    PacketBuf buffer = std::move(in_flight_[done->head]);
    switch (merger_.add(std::move(buffer), done->written, in[count])) {
      case FrameMerger::Step::kMore:
        break;
      case FrameMerger::Step::kFrame:
        ++count;
        break;
      case FrameMerger::Step::kBadLength:
        ++counters_[kBadLength];
        break;
      case FrameMerger::Step::kTooLong:
        ++counters_[kTooLong];
        break;
    }
  }
  counters_[kReceived] += count;
  refill();
  return count;
}

void FrameReceiver::stop() {
  for (PacketBuf& packet : in_flight_) packet.reset();
  merger_.reset();
}

}  // namespace fata::virtio
