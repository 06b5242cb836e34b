#include "fata/virtio/transport.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include "fata/bus/memory.hpp"

namespace fata::virtio {

OwnedQueue::OwnedQueue(std::uint16_t size, bool event_index)
    : memory_(new(std::align_val_t{4096}) std::byte[Queue::bytes_needed(size)]()),
      queue_(size, danger_span(memory_.get(), Queue::bytes_needed(size)), event_index) {}

Result<std::unique_ptr<OwnedQueue>> start_queue(Transport& transport, std::uint16_t index,
                                                std::uint16_t most, bool event_index) {
  const std::uint16_t max = transport.queue_max(index);
  if (max == 0) return fail(Errc::kNoQueue, index);
  auto queue = std::make_unique<OwnedQueue>(std::bit_floor(std::min(max, most)), event_index);
  const Result<void> started =
      transport.start_queue(index, **queue, bus::dma_address(queue->memory()));
  if (!started) return fail(started.error());
  return queue;
}

}  // namespace fata::virtio
