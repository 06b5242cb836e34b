// Waiting: the single primitive on which channels, sockets and devices are built.
//
// A WaitQueue holds suspended coroutines. Each wait ends exactly once, on whichever comes first: a
// notification, its deadline or the cancellation of its token. When a wait ends, it is unlinked
// notification, its deadline or the cancellation of its token. When a wait ends, it is unlinked
// from the other two sources. Completion and cancellation happen on the same loop, so they never
// race: one simply comes first.
#pragma once

#include <coroutine>

#include "fata/async/cancel.hpp"
#include "fata/async/errors.hpp"
#include "fata/async/loop.hpp"

namespace fata::async {

// A deadline and a cancellation token. The last parameter of every function that waits.
struct Wait {
  Instant deadline = Instant::never();
  CancelToken token{};

  static Wait until(Instant deadline, CancelToken token = {}) { return {deadline, token}; }
  static Wait at_most(Duration duration, CancelToken token = {}) {
    return {current_loop().now() + duration, token};
  }
  static Wait cancelled_by(CancelToken token) { return {Instant::never(), token}; }
};

class WaitQueue;

class [[nodiscard]] Waiter : public ListNode<Waiter> {
 public:
  // If `queue` is null, only the deadline or the token can end the wait.
  Waiter(WaitQueue* queue, Wait wait) : queue_(queue), wait_(wait), timer_(*this), hook_(*this) {}

  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> handle) noexcept;
  Result<void, Errc> await_resume() const noexcept { return outcome_; }

 private:
  friend class WaitQueue;
  struct DeadlineTimer final : Timer {
    explicit DeadlineTimer(Waiter& owner) : waiter(owner) {}
    void on_timer() noexcept override { waiter.end(fail(Errc::kTimedOut)); }
    Waiter& waiter;
  };
  struct TokenHook final : CancelHook {
    explicit TokenHook(Waiter& owner) : waiter(owner) {}
    void on_cancel() noexcept override { waiter.end(fail(Errc::kCancelled)); }
    Waiter& waiter;
  };
  void end(Result<void, Errc> outcome) noexcept;

  WaitQueue* queue_;
  Wait wait_;
  Ready ready_;
  DeadlineTimer timer_;
  TokenHook hook_;
  Result<void, Errc> outcome_{};
};

class WaitQueue {
 public:
  // Suspends until notified. `co_await queue.wait(w)` returns Result<void, Errc>; waiters are
  // served in FIFO order. A woken waiter must check its condition again: another task may have run
  // in between.
  Waiter wait(Wait wait = {}) { return Waiter(this, wait); }
  bool notify_one() noexcept;
  void notify_all() noexcept;
  bool empty() const { return waiters_.empty(); }

 private:
  friend class Waiter;
  List<Waiter> waiters_;
};

// Sleeps until `when`. Returns success once that time is reached, or Errc::kCancelled if the token
// is cancelled first.
class [[nodiscard]] sleep_until {
 public:
  explicit sleep_until(Instant when, CancelToken token = {})
      : waiter_(nullptr, Wait{when, token}) {}
  bool await_ready() noexcept { return waiter_.await_ready(); }
  void await_suspend(std::coroutine_handle<> handle) noexcept { waiter_.await_suspend(handle); }
  Result<void, Errc> await_resume() const noexcept {
    const Result<void, Errc> outcome = waiter_.await_resume();
    if (!outcome && outcome.error() == Errc::kTimedOut) return {};
    return outcome;
  }

 private:
  Waiter waiter_;
};
inline sleep_until sleep(Duration duration, CancelToken token = {}) {
  return sleep_until(current_loop().now() + duration, token);
}

// A cancel source with a deadline: its token is cancelled at the deadline or when the parent is
// cancelled, whichever comes first.
class DeadlineSource final : private Timer {
 public:
  DeadlineSource(CancelToken parent, Instant deadline) : source_(parent) {
    if (!source_.cancelled() && !deadline.is_never()) current_loop().timers().arm(*this, deadline);
  }
  CancelToken token() { return source_.token(); }
  bool expired() const { return expired_; }

 private:
  void on_timer() noexcept override {
    expired_ = true;
    source_.cancel();
  }
  CancelSource source_;
  bool expired_ = false;
};

}  // namespace fata::async
