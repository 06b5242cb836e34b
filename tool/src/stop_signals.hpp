// The signals that ask for the end of what `fata run` looks after.
#pragma once

#include <signal.h>

#include <chrono>
#include <initializer_list>
#include <optional>

namespace fata::tool {

// They are blocked from now on and come by file(), for poll().
class StopSignals {
 public:
  enum class Wish {
    kStop,     // the first: it shall stop by itself
    kNothing,  // belongs to the first
    kEnd,      // a later one: nobody waits any longer
  };

  explicit StopSignals(std::initializer_list<int> numbers);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int file() const { return file_; }
  // When file() is readable.
  Wish take();
  // For a child: as it was before.
  void unblock() const { ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr); }

 private:
  sigset_t old_mask_{};
  int file_ = -1;
  std::optional<std::chrono::steady_clock::time_point> asked_;
};

}  // namespace fata::tool
