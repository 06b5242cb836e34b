// The allocator of coroutine frames: free lists by size, so that a task on the hot path costs a few
// instructions.
#pragma once

#include <array>
#include <cstddef>

namespace fata::async {

class FramePool {
 public:
  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  // Every frame must have been released.
  ~FramePool();

  void* allocate(std::size_t size);
  void release(void* frame, std::size_t size) noexcept;
  std::size_t in_use() const { return in_use_; }

 private:
  // Frames up to kStep * kClasses bytes are pooled; larger ones use the general heap.
  static constexpr std::size_t kStep = 64;
  static constexpr std::size_t kClasses = 32;
  struct Free {
    Free* next;
  };
  std::array<Free*, kClasses> free_{};
  std::size_t in_use_ = 0;
};

}  // namespace fata::async
