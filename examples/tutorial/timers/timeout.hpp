// Waits for an answer that arrives too late, and then for one that arrives in time.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/scope.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/console.hpp>

namespace timers {

template <fata::sig::Console Console>
class Timeout {
 public:
  Timeout(fata::async::Context& context, Console& console, fata::Duration timeout)
      : stop_(context.stop), console_(console), timeout_(timeout) {}

  fata::async::Task<int> start() {
    co_await ask(timeout_ * 4);
    co_await ask(timeout_ / 4);
    co_return 0;
  }

 private:
  // After the wait, stops the answering task; the scope ends only after that task has ended.
  fata::async::Task<void> ask(fata::Duration thinking_time) {
    fata::async::Scope scope(stop_);
    fata::async::WaitQueue answer;
    scope.spawn(think(&answer, thinking_time, scope.token()));
    const auto outcome = co_await answer.wait(fata::async::Wait::at_most(timeout_, stop_));
    console_.write(outcome ? "answered in time\n" : "gave up waiting\n");
    co_await scope.stop();
  }

  static fata::async::Task<void> think(fata::async::WaitQueue* answer, fata::Duration time,
                                       fata::async::CancelToken stop) {
    if (co_await fata::async::sleep(time, stop)) answer->notify_one();
  }

  fata::async::CancelToken stop_;
  Console& console_;
  fata::Duration timeout_;
};

}  // namespace timers
