#include "fata/linux/report_signal.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "fata/base/panic.hpp"

namespace fata::linux {

ReportSignal::ReportSignal() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  signals_ = Fd(::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
  check(static_cast<bool>(signals_) && watch_.start(signals_.get()).has_value(), "signalfd failed");
}

async::Task<Result<void>> ReportSignal::next(async::Wait wait) {
  for (;;) {
    signalfd_siginfo info;
    if (watch_.readable() && ::read(signals_.get(), &info, sizeof info) == sizeof info)
      co_return Result<void>{};
    watch_.drained_in();
    if (const Result<void> ready = co_await watch_.wait_readable(wait); !ready) co_return ready;
  }
}

}  // namespace fata::linux
