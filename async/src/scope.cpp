#include "fata/async/scope.hpp"

namespace fata::async {

// A coroutine that nobody awaits: it starts at once and its frame frees itself at the end.
struct Scope::Runner {
  struct promise_type {
    static void* operator new(std::size_t size) { return current_loop().frames().allocate(size); }
    static void operator delete(void* frame, std::size_t size) { current_loop().frames().release(frame, size); }
    Runner get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { panic("exception in a task"); }
  };
};

Scope::Runner Scope::run(Scope* scope, Task<void> task) {
  co_await yield();
  {
    // The task's frame must be gone before the scope hears of its end: it may refer to what dies with the scope.
    Task<void> owned = std::move(task);
    co_await std::move(owned);
  }
  scope->ended();
}

void Scope::spawn(Task<void> task) {
  ++running_;
  run(this, std::move(task));
}

void Scope::ended() noexcept {
  --running_;
  changed_.notify_all();
}

Task<void> Scope::join() {
  while (running_ != 0) (void)co_await changed_.wait();
}

Task<void> Scope::stop() {
  cancel();
  return join();
}

Task<Result<void, Errc>> Scope::below(std::size_t limit, Wait wait) {
  while (running_ >= limit) {
    const Result<void, Errc> woken = co_await changed_.wait(wait);
    if (!woken) co_return woken;
  }
  co_return Result<void, Errc>{};
}

}  // namespace fata::async
