// Waits until the wall clock is known to be close enough to UTC, then prints the time. Ends with
// status 1 if that takes too long.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/base/text.hpp>
#include <fata/sig/clock.hpp>
#include <fata/sig/console.hpp>

namespace network_clock {

template <fata::sig::Clock Clock, fata::sig::Console Console>
class Wait {
 public:
  Wait(fata::async::Context& context, Clock& clock, Console& console, fata::Duration error,
       fata::Duration timeout)
      : stop_(context.stop), clock_(clock), console_(console), error_(error), timeout_(timeout) {}

  fata::async::Task<int> start() {
    const fata::Instant until = clock_.now() + timeout_;
    while (clock_.wall_error() > error_ && clock_.now() < until) {
      if (!co_await fata::async::sleep(fata::milliseconds(100), stop_)) break;
    }
    const bool exact = clock_.wall_error() <= error_;
    fata::Text<100> line(std::in_place, "it is ", clock_.wall());
    if (clock_.wall_error() != fata::kInfinite) fata::print(line, ", within ", clock_.wall_error());
    line.put("\n");
    console_.write(line.view());
    co_return exact ? 0 : 1;
  }

 private:
  fata::async::CancelToken stop_;
  Clock& clock_;
  Console& console_;
  fata::Duration error_;
  fata::Duration timeout_;
};

}  // namespace network_clock
