#include "stop_signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

namespace fata::tool {
namespace {
// A second signal within this time belongs to the first: timeout(1) signals its child, and then its
// whole group.
constexpr auto kOneRequest = std::chrono::milliseconds(500);
}  // namespace

StopSignals::StopSignals(std::initializer_list<int> numbers) {
  sigset_t stops;
  sigemptyset(&stops);
  for (const int number : numbers) sigaddset(&stops, number);
  ::sigprocmask(SIG_BLOCK, &stops, &old_mask_);
  file_ = ::signalfd(-1, &stops, SFD_CLOEXEC);
}

StopSignals::~StopSignals() { ::close(file_); }

StopSignals::Wish StopSignals::take() {
  signalfd_siginfo info{};
  if (::read(file_, &info, sizeof info) <= 0) return Wish::kNothing;
  const auto now = std::chrono::steady_clock::now();
  if (!asked_) {
    asked_ = now;
    return Wish::kStop;
  }
  return now - *asked_ > kOneRequest ? Wish::kEnd : Wish::kNothing;
}

}  // namespace fata::tool
