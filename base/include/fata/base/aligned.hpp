// Heap memory with a larger alignment than the allocator guarantees, for devices that need it.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "fata/base/danger.hpp"

namespace fata {

class AlignedBuffer {
 public:
  AlignedBuffer() : memory_(nullptr, Delete{std::align_val_t{1}}) {}
  // The memory is zeroed. `alignment` is a power of two.
  AlignedBuffer(std::size_t size, std::size_t alignment)
      : memory_(new(std::align_val_t{alignment}) std::byte[size](),
                Delete{std::align_val_t{alignment}}),
        size_(size) {}

  MutableBytes bytes() { return danger_span(memory_.get(), size_); }
  Bytes bytes() const { return danger_span<const std::byte>(memory_.get(), size_); }

 private:
  struct Delete {
    std::align_val_t alignment;
    void operator()(std::byte* memory) const { ::operator delete[](memory, alignment); }
  };
  std::unique_ptr<std::byte[], Delete> memory_;
  std::size_t size_ = 0;
};

}  // namespace fata
