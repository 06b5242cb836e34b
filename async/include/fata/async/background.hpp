// Background: a task that runs alongside its owner and is destroyed with it, whatever point it has
// reached.
//
// It is meant for drivers that move bytes indefinitely. Tasks that need an orderly end belong in a
// Scope.
#pragma once

#include "fata/async/task.hpp"

namespace fata::async {

class Background {
 public:
  // Starts the task in the loop's next turn.
  explicit Background(Task<void> task);
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background();

 private:
  std::coroutine_handle<> handle_;
  Ready start_;
};

}  // namespace fata::async
