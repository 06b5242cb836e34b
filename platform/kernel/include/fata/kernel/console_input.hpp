// Console input, for images that use it: `n` and Enter request a report. Models
// sig::ReportRequests.
//
// At most one may be enabled. Without one, all input is ignored except the characters that stop the
// image.
#pragma once

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"

namespace fata::kernel {

class ConsoleInput {
 public:
  // If `enabled` is false, this object receives no input.
  explicit ConsoleInput(bool enabled);
  ~ConsoleInput();
  ConsoleInput(const ConsoleInput&) = delete;
  ConsoleInput& operator=(const ConsoleInput&) = delete;

  async::Task<Result<void>> next(async::Wait wait);

  // Called by the platform for each character.
  void typed(char c) noexcept;

 private:
  bool asked_ = false;
  bool only_n_ = false;  // the current line so far is "n"
  bool other_ = false;
  async::WaitQueue waiting_;
};

}  // namespace fata::kernel
