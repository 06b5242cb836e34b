// BufferPool: a fixed number of equal buffers in one contiguous block of memory. Exhaustion is
// reported by a value, never by waiting.
#pragma once

#include <cstddef>
#include <memory>

#include "fata/base/packet.hpp"

namespace fata {

class BufferPool final : public BufferHome {
 public:
  // Allocates everything at once: `count` buffers of `size` bytes (rounded up to 64).
  BufferPool(std::size_t count, std::size_t size);
  // All buffers must have been returned.
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Returns an empty packet with `headroom`, or a false PacketBuf if the pool is exhausted.
  PacketBuf allocate(std::size_t headroom = 0) {
    Buffer* buffer = free_;
    if (buffer == nullptr) [[unlikely]] {
      ++refusals_;
      return {};
    }
    free_ = buffer->next_free;
    --available_;
    return PacketBuf(*buffer, headroom);
  }
  // Copies `bytes` into a new packet; false if the pool is exhausted or the bytes do not fit.
  PacketBuf copy(Bytes bytes, std::size_t headroom = 0);

  std::size_t count() const { return count_; }
  std::size_t available() const { return available_; }
  std::size_t buffer_size() const { return size_; }
  std::uint64_t refusals() const { return refusals_; }  // allocations refused for lack of a buffer

  // The memory and control blocks, for devices that register them (io_uring fixed buffers, rings).
  MutableBytes memory() { return danger_span(memory_.get(), count_ * size_); }
  std::span<Buffer> buffers() { return danger_span(buffers_.get(), count_); }

  void recycle(Buffer& buffer) noexcept override;

 private:
  struct AlignedDelete {
    void operator()(std::byte* memory) const {
      ::operator delete[](memory, std::align_val_t{kAlignment});
    }
  };
  static constexpr std::size_t kAlignment = 4096;

  std::size_t count_;
  std::size_t size_;
  std::unique_ptr<std::byte[], AlignedDelete> memory_;
  std::unique_ptr<Buffer[]> buffers_;
  Buffer* free_ = nullptr;
  std::size_t available_ = 0;
  std::uint64_t refusals_ = 0;
};

}  // namespace fata
