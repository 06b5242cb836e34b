// A ring of io_uring as devices of a loop with one thread want it: all completions are theirs to reap in
// their own turn, nothing interrupts the loop (plain rings lose a third of the rate).
#pragma once

#include <liburing.h>

namespace fata::host {

struct Uring {
  Uring() = default;
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;
  ~Uring() {
    if (!live) return;
    // The kernel tears a ring down at its leisure, and its files would be in use until then.
    io_uring_unregister_files(&uring);
    io_uring_queue_exit(&uring);
  }

  // False: this kernel refuses io_uring.
  bool open(unsigned entries) {
    io_uring_params params{};
    params.flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER |
                   IORING_SETUP_DEFER_TASKRUN;
    if (io_uring_queue_init_params(entries, &uring, &params) != 0) {
      params = {};
      if (io_uring_queue_init_params(entries, &uring, &params) != 0) return false;
    }
    return live = true;
  }

  io_uring uring{};
  bool live = false;
};

}  // namespace fata::host
