#include "fata/base/pool.hpp"

#include <new>

namespace fata {

BufferPool::BufferPool(std::size_t count, std::size_t size)
    : count_(count),
      size_((size + 63) / 64 * 64),
      memory_(new(std::align_val_t{kAlignment}) std::byte[count * size_]),
      buffers_(new Buffer[count]) {
  const MutableBytes all = memory();
  std::span<Buffer> blocks = buffers();
  // In reverse, so that the first allocations have the lowest addresses.
  for (std::size_t i = count; i-- > 0;) {
    Buffer& block = blocks[i];
    block.home = this;
    block.memory = all.subspan(i * size_, size_).data();
    block.capacity = static_cast<std::uint32_t>(size_);
    block.index = static_cast<std::uint32_t>(i);
    recycle(block);
  }
}

BufferPool::~BufferPool() { check(available_ == count_, "a buffer outlives its pool"); }

PacketBuf BufferPool::copy(Bytes bytes, std::size_t headroom) {
  if (headroom + bytes.size() > size_) return {};
  PacketBuf packet = allocate(headroom);
  if (packet) copy_bytes(packet.append(bytes.size()), bytes);
  return packet;
}

void BufferPool::recycle(Buffer& buffer) noexcept {
  // Last in, first out: the next packet uses memory that is still in the cache.
  buffer.next_free = free_;
  free_ = &buffer;
  ++available_;
}

}  // namespace fata
