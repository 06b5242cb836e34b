// SIGUSR1 as the wish for a report: a process that has this does not end by it. Models
// net::ReportRequests.
#pragma once

#include "fata/host/reactor.hpp"

namespace fata::host {

class ReportSignal {
 public:
  ReportSignal();

  // Waits for the next one; several at once are one.
  async::Task<Result<void>> next(async::Wait wait);

 private:
  Fd signals_;
  Watch watch_;
};

}  // namespace fata::host
