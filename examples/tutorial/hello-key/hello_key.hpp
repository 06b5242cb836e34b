// Prints a greeting set by its parameters. It is a functor: a class template that depends on the
// console concept, not on a platform's console.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/console.hpp>

#include <cstdint>
#include <string_view>

namespace hello_key {

template <fata::sig::Console Console>
class Hello {
 public:
  Hello(fata::async::Context& context, Console& console, std::string_view greeting,
        std::uint16_t times, fata::Duration pause, std::string_view name)
      : stop_(context.stop),
        console_(console),
        greeting_(greeting),
        times_(times),
        pause_(pause),
        name_(name) {}

  fata::async::Task<int> start() {
    for (unsigned i = 0; i < times_; ++i) {
      if (i != 0 && !co_await fata::async::sleep(pause_, stop_)) break;
      console_.write(fata::Text<200>(std::in_place, greeting_, ", ", name_, "!\n").view());
    }
    co_return 0;
  }

 private:
  fata::async::CancelToken stop_;
  Console& console_;
  std::string_view greeting_;
  unsigned times_;
  fata::Duration pause_;
  std::string_view name_;
};

}  // namespace hello_key
