// What is typed on the console, for images that listen to it: `n` and Enter ask for a report.
// Models net::ReportRequests.
//
// There is one at most. Without it what is typed is thrown away, but for the characters that end
// the image.
#pragma once

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"

namespace fata::guest {

class ConsoleInput {
 public:
  // `enabled`: listens at all.
  explicit ConsoleInput(bool enabled);
  ~ConsoleInput();
  ConsoleInput(const ConsoleInput&) = delete;
  ConsoleInput& operator=(const ConsoleInput&) = delete;

  async::Task<Result<void>> next(async::Wait wait);

  // From the platform, for each character.
  void typed(char c) noexcept;

 private:
  bool asked_ = false;
  bool only_n_ = false;  // the line so far
  bool other_ = false;
  async::WaitQueue waiting_;
};

}  // namespace fata::guest
