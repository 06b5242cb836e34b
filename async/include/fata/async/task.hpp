// Task<T>: a lazy coroutine with one owner. It starts when awaited, resumes its awaiter when done
// (by symmetric transfer, so long chains need no stack), and is destroyed with its owner, even in
// the middle of a wait.
//
// A coroutine's parameters must be values, or references to objects that provably outlive the
// coroutine. Never use a capturing lambda.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "fata/async/loop.hpp"
#include "fata/base/panic.hpp"

namespace fata::async {

namespace detail {

class PromiseBase {
 public:
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) { release_frame(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  auto final_suspend() noexcept {
    struct Final {
      std::coroutine_handle<> continuation;
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept {
        return continuation;
      }
      void await_resume() noexcept {}
    };
    return Final{continuation};
  }
  void unhandled_exception() noexcept { panic("exception in a task"); }

  std::coroutine_handle<> continuation = std::noop_coroutine();
};

// Panics if the task was awaited before. Not inline, since it precedes every co_await.
void check_startable(std::coroutine_handle<> task) noexcept;

template <class T>
class Promise final : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class U>
    requires std::constructible_from<T, U&&>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() { return std::move(*value_); }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() noexcept {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> handle;
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
        handle.promise().continuation = awaiting;
        return handle;
      }
      T await_resume() { return handle.promise().take(); }
    };
    detail::check_startable(handle_);
    return Awaiter{handle_};
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

// A task that never suspends.
template <class T>
Task<T> ready(T value) {
  co_return std::move(value);
}

// Lets all other ready tasks run first. Long computations must call it at least every millisecond.
class [[nodiscard]] yield {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept {
    ready_.handle = handle;
    current_loop().make_ready(ready_);
  }
  void await_resume() const noexcept {}

 private:
  Ready ready_;
};

}  // namespace fata::async
