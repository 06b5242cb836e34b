// SIGUSR1 as a request for a report. A process with a ReportSignal is not terminated by SIGUSR1.
// Models sig::ReportRequests.
#pragma once

#include "fata/linux/reactor.hpp"

namespace fata::linux {

class ReportSignal {
 public:
  ReportSignal();

  // Waits for the next signal. Several pending signals count as one.
  async::Task<Result<void>> next(async::Wait wait);

 private:
  Fd signals_;
  Watch watch_;
};

}  // namespace fata::linux
