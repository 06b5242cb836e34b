// Memory: the budget of one TCP, and its own buffers.
//
// The budget counts all buffers allocated here (in queues or held by the application), foreign
// buffers while queued (device frames, buffers of other pools: "borrowed"), and fixed costs of
// connections and other entries. At the limit, allocate() returns an empty packet and take()
// returns false; nothing blocks.
#pragma once

#include <array>
#include <cstddef>

#include "fata/base/packet.hpp"

namespace fata::tcp {

class Memory final : public BufferHome {
 public:
  // Buffer sizes including the control block, so the capacity is slightly smaller.
  static constexpr std::size_t kSmall = 2048;
  static constexpr std::size_t kLarge = 16384;

  Memory(std::size_t limit, std::size_t borrowed_limit)
      : limit_(limit), borrowed_limit_(borrowed_limit) {}
  // All buffers must have been recycled.
  ~Memory();
  // Deleter for an owner that is destroyed while a device still sends from its buffers. The Memory,
  // made by `new`, is deleted with its last buffer.
  struct Abandon {
    void operator()(Memory* memory) const { memory->abandon(); }
  };
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Returns an empty packet of nearly `size` (kSmall or kLarge) bytes; false at the limit.
  // `reserve` bytes are left for others.
  PacketBuf allocate(std::size_t size, std::size_t reserve = 0);
  bool take(std::size_t bytes, std::size_t reserve = 0) {
    if (used_ + bytes + reserve > limit_) return ++refusals_, false;
    used_ += bytes;
    return true;
  }
  void give(std::size_t bytes) { used_ -= bytes; }

  // Whether a queue may hold this slice itself instead of copying it.
  bool may_borrow(const Slice& slice) const {
    return slice.home() == this || borrowed_ + slice.footprint() <= borrowed_limit_;
  }
  void borrow(const Slice& slice) {
    if (slice.home() == this) return;
    borrowed_ += slice.footprint();
    used_ += slice.footprint();
  }
  void end_borrow(const Slice& slice) {
    if (slice.home() == this) return;
    borrowed_ -= slice.footprint();
    used_ -= slice.footprint();
  }

  // Above this level, windows and buffers stop growing.
  bool low_on_buffers() const { return used_ > limit_ / 4 * 3; }
  std::size_t used() const { return used_; }
  std::size_t borrowed() const { return borrowed_; }
  std::size_t limit() const { return limit_; }
  std::uint64_t refusals() const { return refusals_; }

  void recycle(Buffer& buffer) noexcept override;

 private:
  // Free buffers of each size, up to a sixteenth of the limit, cached for reuse; cached buffers do
  // not count as used.
  struct Shelf {
    Buffer* first = nullptr;
    std::size_t count = 0;
  };

  void abandon();

  std::size_t limit_;
  std::size_t borrowed_limit_;
  std::size_t used_ = 0;
  std::size_t borrowed_ = 0;
  std::size_t out_ = 0;
  std::uint64_t refusals_ = 0;
  std::array<Shelf, 2> shelves_;
  bool abandoned_ = false;
};

}  // namespace fata::tcp
