#include "fata/async/wait.hpp"

namespace fata::async {

bool Waiter::await_ready() noexcept {
  if (wait_.token.cancelled()) {
    outcome_ = fail(Errc::kCancelled);
    return true;
  }
  if (wait_.deadline <= current_loop().now()) {
    outcome_ = fail(Errc::kTimedOut);
    return true;
  }
  return false;
}

void Waiter::await_suspend(std::coroutine_handle<> handle) noexcept {
  ready_.handle = handle;
  if (queue_ != nullptr) queue_->waiters_.push_back(*this);
  if (!wait_.deadline.is_never()) current_loop().timers().arm(timer_, wait_.deadline);
  wait_.token.add(hook_);
}

void Waiter::end(Result<void, Errc> outcome) noexcept {
  outcome_ = outcome;
  unlink();
  timer_.disarm();
  hook_.unlink();
  current_loop().make_ready(ready_);
}

bool WaitQueue::notify_one() noexcept {
  if (waiters_.empty()) return false;
  waiters_.front().end({});
  return true;
}

void WaitQueue::notify_all() noexcept {
  while (notify_one()) {
  }
}

}  // namespace fata::async
