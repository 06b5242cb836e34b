// Slices of constant memory, for values that exist as long as an image and are passed on without a
// copy.
#pragma once

#include <vector>

#include "fata/base/packet.hpp"

namespace fata {

class ConstantSlices final : private BufferHome {
 public:
  // At most `count` calls of add() follow.
  explicit ConstantSlices(std::size_t count);
  // All slices must have been released.
  ~ConstantSlices();
  ConstantSlices(const ConstantSlices&) = delete;
  ConstantSlices& operator=(const ConstantSlices&) = delete;

  // The memory must outlive this object.
  void add(Bytes content);
  // A further reference to the nth content.
  Slice at(std::size_t index) const { return whole_[index]; }

 private:
  void recycle(Buffer&) noexcept override {}

  std::vector<Buffer> buffers_;
  // The first holder of each buffer, so that no other holder may write to it.
  std::vector<Slice> whole_;
};

}  // namespace fata
