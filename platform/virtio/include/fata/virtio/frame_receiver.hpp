// The receiving half of virtio-net: buffers go into the ring, come back filled, become frames.
// Pure, like the queue under it: a test or fuzzer plays the device.
#pragma once

#include <span>
#include <vector>

#include "fata/base/counter.hpp"
#include "fata/base/pool.hpp"
#include "fata/virtio/frame_merger.hpp"
#include "fata/virtio/net_terms.hpp"
#include "fata/virtio/queue.hpp"

namespace fata::virtio {

class FrameReceiver {
 public:
  // The address by which the device reaches memory of a buffer.
  using AddressOf = std::uint64_t (*)(const volatile void*);
  enum Count : std::size_t { kReceived, kTooLong, kBadLength, kCounts };

  // `counters`: kCounts of them, which outlive this.
  FrameReceiver(std::uint64_t features, const ReceiveBuffers& buffers, AddressOf address,
                std::span<Counter> counters);

  // `queue` outlives this, unless stop() comes first.
  void start(Queue& queue);
  // Puts buffers into the ring as long as there are any, and room.
  void refill();
  // Takes frames from the ring, and refills it. Gives how many; fewer than there is room for if the
  // queue broke.
  std::size_t receive(std::span<sig::RxFrame> in);
  // The device was reset: all that it had comes home.
  void stop();

  std::size_t memory() const { return pool_.count() * pool_.buffer_size(); }
  std::size_t available() const { return pool_.available(); }

 private:
  BufferPool pool_;
  FrameMerger merger_;
  AddressOf address_;
  Queue* queue_ = nullptr;
  std::vector<PacketBuf> in_flight_;  // by head
  std::span<Counter> counters_;
};

}  // namespace fata::virtio
