// An io_uring ring for devices of a single-threaded loop. The device reaps all completions in its
// own turn, and no completion interrupts the loop. (With plain rings, the rate is a third lower.)
#pragma once

#include <liburing.h>
#include <sys/syscall.h>

#include <array>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "fata/base/panic.hpp"
#include "fata/linux/sandbox.hpp"

namespace fata::linux {

// The start of the log line about a missing ring.
inline constexpr std::string_view kNoUring =
    "io_uring is not permitted (kernel.io_uring_disabled, a container's profile): ";

struct Uring {
  Uring() = default;
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;
  ~Uring() {
    if (!live) return;
    // The kernel tears a ring down asynchronously. Its files would stay in use until that is done.
    io_uring_unregister_files(&uring);
    io_uring_queue_exit(&uring);
  }

  // After open(), register the ring's resources, then call start(). Returns false if the kernel
  // refuses io_uring or lacks restrictions (before Linux 5.10).
  bool open(unsigned entries) {
    io_uring_params params{};
    params.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                   IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (io_uring_queue_init_params(entries, &uring, &params) != 0) {
      params = {};
      params.flags = IORING_SETUP_R_DISABLED;
      if (io_uring_queue_init_params(entries, &uring, &params) != 0) return false;
    }
    return live = true;
  }

  // Operations of a ring bypass the seccomp filter. From here on, the ring accepts only these
  // operations, only on registered files, and no further registrations.
  void start(std::initializer_list<io_uring_op> operations) {
    std::vector<io_uring_restriction> rules;
    const auto add = [&](unsigned short what, unsigned char value) {
      io_uring_restriction& rule = rules.emplace_back();
      rule.opcode = what;
      rule.sqe_op = value;  // all members of the union share one address
    };
    for (const io_uring_op operation : operations)
      add(IORING_RESTRICTION_SQE_OP, static_cast<unsigned char>(operation));
    add(IORING_RESTRICTION_SQE_FLAGS_ALLOWED, IOSQE_FIXED_FILE);
    add(IORING_RESTRICTION_SQE_FLAGS_REQUIRED, IOSQE_FIXED_FILE);
    add(IORING_RESTRICTION_REGISTER_OP, IORING_UNREGISTER_FILES);
    const auto count = static_cast<unsigned>(rules.size());
    check(io_uring_register_restrictions(&uring, rules.data(), count) == 0,
          "io_uring refuses restrictions");
    check(io_uring_enable_rings(&uring) == 0, "io_uring refuses to start a ring");
  }

  static SandboxNeeds needs() {
    return {.calls = {{SYS_io_uring_enter},
                      {SYS_io_uring_register, {argument_is(1, IORING_UNREGISTER_FILES)}}}};
  }

  io_uring uring{};
  bool live = false;
};

}  // namespace fata::linux
