#include "fata/async/scope.hpp"

#include "detached.hpp"

namespace fata::async {

detail::FreeFrame Scope::run(Scope* scope, Task<void> task) {
  co_await yield();
  {
    // Destroy the task's frame before the scope is notified: the frame may refer to objects that
    // are destroyed with the scope.
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
