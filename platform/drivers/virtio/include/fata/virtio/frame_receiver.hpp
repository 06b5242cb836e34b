// The receiving half of virtio-net: puts buffers into the ring and turns filled buffers into
// frames. Pure, like the queue under it: a test or fuzzer simulates the device.
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
  // Returns the address of buffer memory as the device sees it.
  using AddressOf = std::uint64_t (*)(const volatile void*);
  enum Count : std::size_t { kReceived, kTooLong, kBadLength, kCounts };

  // `counters`: kCounts of them; they must outlive this object.
  FrameReceiver(std::uint64_t features, const ReceiveBuffers& buffers, AddressOf address,
                std::span<Counter> counters);

  // `queue` must outlive this object, unless stop() is called first.
  void start(Queue& queue);
  // Puts buffers into the ring while there are free buffers and room.
  void refill();
  // Takes frames from the ring and refills the ring. Returns the number of frames, which is less
  // than `in.size()` if the ring is empty or the queue broke.
  std::size_t receive(std::span<sig::RxFrame> in);
  // Called after a reset of the device. Recycles all buffers that the device had.
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
