// Buffers of any size within a budget, for packets that fit in no device buffer.
#pragma once

#include "fata/base/packet.hpp"

namespace fata::ip {

class HeapBuffers final : public BufferHome {
 public:
  // `budget`: maximum bytes allocated at a time.
  explicit HeapBuffers(std::size_t budget) : budget_(budget) {}
  // All buffers must have been recycled.
  ~HeapBuffers() { check(used_ == 0, "a buffer outlives its home"); }
  HeapBuffers(const HeapBuffers&) = delete;
  HeapBuffers& operator=(const HeapBuffers&) = delete;

  // Deleter for an owner that is destroyed while a device still sends from its buffers. The
  // HeapBuffers, made by `new`, is deleted with its last buffer.
  struct Abandon {
    void operator()(HeapBuffers* home) const { home->abandon(); }
  };

  // Returns an empty packet with that headroom and room for `size` bytes, or false if less than
  // `reserve` bytes of the budget would remain.
  PacketBuf allocate(std::size_t size, std::size_t headroom, std::size_t reserve = 0);
  std::size_t budget() const { return budget_; }
  std::size_t used() const { return used_; }

  void recycle(Buffer& buffer) noexcept override;

 private:
  struct Block;
  void abandon() {
    abandoned_ = true;
    if (used_ == 0) delete this;
  }

  std::size_t budget_;
  std::size_t used_ = 0;
  bool abandoned_ = false;
};

// Copies `to.size()` bytes of a packet, including its further buffers, starting at `offset`. The
// packet must have that many bytes.
void copy_out(const PacketBuf& packet, std::size_t offset, MutableBytes to);

}  // namespace fata::ip
