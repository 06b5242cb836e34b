#include "fata/async/frame_pool.hpp"

#include <new>

#include "fata/async/task.hpp"
#include "fata/base/panic.hpp"

namespace fata::async {

namespace {
// With AddressSanitizer, every frame is allocated from the heap so that use-after-free is detected.
#if __has_feature(address_sanitizer)
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif
}  // namespace

FramePool::~FramePool() {
  check(in_use_ == 0, "a coroutine outlives its loop");
  for (Free*& head : free_) {
    while (head != nullptr) {
      Free* frame = head;
      head = frame->next;
      ::operator delete(frame);
    }
  }
}

void* FramePool::allocate(std::size_t size) {
  ++in_use_;
  const std::size_t index = (size + kStep - 1) / kStep - 1;
  if (!kPooled || index >= kClasses) return ::operator new(size);
  Free* frame = free_[index];
  if (frame == nullptr) return ::operator new((index + 1) * kStep);
  free_[index] = frame->next;
  return frame;
}

void FramePool::release(void* frame, std::size_t size) noexcept {
  --in_use_;
  const std::size_t index = (size + kStep - 1) / kStep - 1;
  if (!kPooled || index >= kClasses) return ::operator delete(frame);
  free_[index] = new (frame) Free{free_[index]};
}

void* allocate_frame(std::size_t size) { return current_loop().frames().allocate(size); }
void release_frame(void* frame, std::size_t size) noexcept {
  current_loop().frames().release(frame, size);
}

void detail::check_startable(std::coroutine_handle<> task) noexcept {
  check(task && !task.done(), "a task is awaited once");
}

}  // namespace fata::async
