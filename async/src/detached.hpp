// Coroutine types without an awaiter: frames from the loop's pool, which end by themselves or are
// destroyed through their handle.
#pragma once

#include <coroutine>

#include "fata/async/loop.hpp"
#include "fata/base/panic.hpp"

namespace fata::async::detail {

// Initial: std::suspend_always or suspend_never. Final: suspend_never frees the frame at its end.
template <class Initial, class Final>
struct Detached {
  struct promise_type {
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) { release_frame(frame, size); }
    Detached get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    Initial initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { panic("exception in a task"); }
  };
  std::coroutine_handle<promise_type> handle;
};

using HeldFrame = Detached<std::suspend_always, std::suspend_always>;
using FreeFrame = Detached<std::suspend_never, std::suspend_never>;

}  // namespace fata::async::detail
