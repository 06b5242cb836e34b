// The smallest application: it starts, and ends with status 0.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>

namespace noop {

class Noop {
 public:
  explicit Noop(fata::async::Context&) {}
  fata::async::Task<int> start() { co_return 0; }
};

}  // namespace noop
