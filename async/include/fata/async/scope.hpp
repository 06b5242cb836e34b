// Scope: owns the tasks that it started, all of which must end before the scope does.
#pragma once

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"

namespace fata::async {

namespace detail {
template <class Initial, class Final>
struct Detached;
}

class Scope {
 public:
  // Cancelling `parent` also cancels token().
  explicit Scope(CancelToken parent = {}) : source_(parent) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  // All tasks must have ended: await join() before destroying the scope.
  ~Scope() { check(running_ == 0, "a scope died before its tasks; join() it first"); }

  // Starts the task in the loop's next turn.
  void spawn(Task<void> task);
  // Pass this token to the tasks, so that cancel() reaches them.
  CancelToken token() { return source_.token(); }
  void cancel() noexcept { source_.cancel(); }
  std::size_t running() const { return running_; }

  // Waits until all tasks have ended. Does not cancel them.
  Task<void> join();
  // Cancels all tasks, then waits until they have ended.
  Task<void> stop();
  // Waits until fewer than `limit` tasks are running, or until `wait` times out or is cancelled.
  Task<Result<void, Errc>> below(std::size_t limit, Wait wait = {});

 private:
  static detail::Detached<std::suspend_never, std::suspend_never> run(Scope* scope,
                                                                      Task<void> task);
  void ended() noexcept;

  CancelSource source_;
  WaitQueue changed_;
  std::size_t running_ = 0;
};

}  // namespace fata::async
