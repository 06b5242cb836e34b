// Prints the time: the monotonic clock's, for measuring, and the wall clock's, for people, in
// ISO 8601.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/base/text.hpp>
#include <fata/sig/clock.hpp>
#include <fata/sig/console.hpp>

#include <cstdint>

namespace clock_example {

template <fata::sig::Clock Clock, fata::sig::Console Console>
class Ticks {
 public:
  Ticks(fata::async::Context& context, Clock& clock, Console& console, std::uint16_t times,
        fata::Duration pause)
      : stop_(context.stop), clock_(clock), console_(console), times_(times), pause_(pause) {}

  fata::async::Task<int> start() {
    const fata::Instant started = clock_.now();
    for (unsigned i = 0; i < times_; ++i) {
      if (i != 0 && !co_await fata::async::sleep(pause_, stop_)) break;
      // The wall clock may step between two readings; the monotonic clock never goes back.
      console_.write(fata::Text<100>(std::in_place, "after ", clock_.now() - started, " it is ",
                                     clock_.wall(), "\n")
                         .view());
    }
    co_return 0;
  }

 private:
  fata::async::CancelToken stop_;
  Clock& clock_;
  Console& console_;
  unsigned times_;
  fata::Duration pause_;
};

}  // namespace clock_example
