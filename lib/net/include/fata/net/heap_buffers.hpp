// Buffers of any size, within a budget: for packets that no device's buffer holds.
#pragma once

#include "fata/base/packet.hpp"

namespace fata::net {

class HeapBuffers final : public BufferHome {
 public:
  // `budget`: bytes that may be out at a time.
  explicit HeapBuffers(std::size_t budget) : budget_(budget) {}
  // All buffers must have come home.
  ~HeapBuffers() { check(used_ == 0, "a buffer outlives its home"); }
  HeapBuffers(const HeapBuffers&) = delete;
  HeapBuffers& operator=(const HeapBuffers&) = delete;

  // For an owner that ends while a device still sends from its buffers: this home, made by `new`,
  // goes with the last of them.
  struct Abandon {
    void operator()(HeapBuffers* home) const { home->abandon(); }
  };

  // An empty packet with that headroom, and room for `size` bytes; false if the budget is spent but
  // for `reserve` bytes.
  PacketBuf allocate(std::size_t size, std::size_t headroom, std::size_t reserve = 0);
  std::size_t budget() const { return budget_; }
  std::size_t used() const { return used_; }

  void take_home(Buffer& buffer) noexcept override;

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

// Copies `to.size()` bytes of a packet with all its pieces, from `offset` on; there must be that
// many.
void copy_out(const PacketBuf& packet, std::size_t offset, MutableBytes to);

}  // namespace fata::net
