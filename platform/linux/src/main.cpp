// Start code of an image that is a Linux process.
#include <csignal>

#include "fata/async/image.hpp"
#include "fata/base/platform.hpp"
#include "fata/host/reactor.hpp"
#include "fata/host/run.hpp"
#include "process.hpp"

namespace {
// A stop is obeyed from the start on: until there is a loop the signals wait.
[[gnu::constructor(101)]] void hold_stop_signals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
}
}  // namespace

int main(int argc, char** argv) {
  fata::host::set_arguments(argc, argv);
#if !__has_feature(address_sanitizer)
  fata::host::install_crash_handlers();
#endif
  (void)fata::host::reactor();
  int status = 0;
  {
    fata::async::Loop loop;
    fata::host::enter(loop);
    status = fata::run_image(loop);
  }
  fata::platform::exit(status);
}
