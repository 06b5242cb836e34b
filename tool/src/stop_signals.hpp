// The signals that request the end of an image under `fata run`.
#pragma once

#include <signal.h>

#include <chrono>
#include <initializer_list>
#include <optional>

namespace fata::tool {

// The constructor blocks the signals; they arrive through file(), for poll().
class StopSignals {
 public:
  enum class Wish {
    kStop,     // the first signal: request a stop from the image
    kNothing,  // belongs to the first signal
    kEnd,      // a later signal: end the image at once
  };

  explicit StopSignals(std::initializer_list<int> numbers);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int file() const { return file_; }
  // Call when file() is readable.
  Wish take();
  // For a child: restores the old signal mask.
  void unblock() const { ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr); }

 private:
  sigset_t old_mask_{};
  int file_ = -1;
  std::optional<std::chrono::steady_clock::time_point> asked_;
};

}  // namespace fata::tool
