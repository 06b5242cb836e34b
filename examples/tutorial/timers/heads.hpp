// Two sleeping tasks: heads wakes after one unit of time, tails after two; the job waits for both.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/scope.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/console.hpp>

#include <string_view>

namespace timers {

template <fata::sig::Console Console>
class Heads {
 public:
  Heads(fata::async::Context& context, Console& console) : stop_(context.stop), console_(console) {}

  fata::async::Task<int> start() {
    fata::async::Scope scope(stop_);
    scope.spawn(wake_after(fata::milliseconds(100), "heads\n", scope.token()));
    scope.spawn(wake_after(fata::milliseconds(200), "tails\n", scope.token()));
    co_await scope.join();
    console_.write("finished\n");
    co_return 0;
  }

 private:
  fata::async::Task<void> wake_after(fata::Duration time, std::string_view word,
                                     fata::async::CancelToken stop) {
    if (co_await fata::async::sleep(time, stop)) console_.write(word);
  }

  fata::async::CancelToken stop_;
  Console& console_;
};

}  // namespace timers
