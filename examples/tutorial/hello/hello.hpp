// Says hello once a second, four times.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>

namespace hello {

class Hello {
 public:
  explicit Hello(fata::async::Context& context)
      : context_(context), log_(context.logger("hello")) {}

  fata::async::Task<int> start() {
    for (int i = 0; i < 4; ++i) {
      log_.info("hello");
      // Returns early, with an error, when the image is stopped.
      if (!co_await fata::async::sleep(fata::seconds(1), context_.stop)) co_return 0;
    }
    co_return 0;
  }

 private:
  fata::async::Context& context_;
  fata::Logger log_;
};

}  // namespace hello
