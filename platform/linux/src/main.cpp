// Start code of an image that runs as a Linux process.
#include <csignal>

#include "fata/async/image.hpp"
#include "fata/base/platform.hpp"
#include "fata/linux/reactor.hpp"
#include "fata/linux/run.hpp"
#include "process.hpp"

namespace {
// Hold the stop signals pending until the loop exists, so that an early stop is not lost.
[[gnu::constructor(101)]] void hold_stop_signals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
}
}  // namespace

int main(int argc, char** argv) {
  fata::linux::set_arguments(argc, argv);
#if !__has_feature(address_sanitizer)
  fata::linux::install_crash_handlers();
#endif
  (void)fata::linux::reactor();
  int status = 0;
  {
    fata::async::Loop loop;
    fata::linux::enter(loop);
    status = fata::run_image(loop);
  }
  fata::platform::exit(status);
}
