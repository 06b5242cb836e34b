// The machine's time: the source of the TSC's rate, and the timer that ends the idle wait.
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"
#include "fata/kernel/tsc_clock.hpp"
#include "fata/kernel/wall_estimate.hpp"

namespace fata::kvm {

using kernel::HostTime;
using kernel::RateEstimate;
using kernel::TscClock;
using kernel::WallEstimate;

class Clock {
 public:
  void start(std::uint64_t entry_tsc);
  // Called after other start work, so that the references had time to advance.
  void finish_start();

  Instant now() const;
  WallTime wall();
  // The host's clock is at most this much later than wall(), at its last call.
  Duration wall_doubt() const { return wall_.doubt(); }
  // True if the host's clock and ours have diverged by more than a second since the last resume():
  // the machine was paused, or the host's clock was set. Queries the host at most 20 times a
  // second.
  bool has_jumped();
  // Called after a restore, perhaps on another host. Counts the time of the pause as passed.
  void resume();
  // After a jump, queries the host often until the wall clock is exact to 50 ms, if the host's own
  // clock is exact only to a second. Costs one comparison if there is nothing to do.
  void sharpen();
  bool is_sharpening() const { return sharpening_; }
  // Takes a sample if one is useful now. Otherwise, costs one comparison.
  void refine_in_passing();
  // Arms the timer; it may fire early, and at most slightly after `deadline`.
  void arm_timer(Instant deadline);
  void timer_woke();

 private:
  bool rate_from_host();
  void ask_wall();

  TscClock clock_;
  RateEstimate estimate_;
  std::uint64_t next_refine_ = 0;
  bool uses_reference_ = false;

  // The local APIC timer's ticks per TSC tick, times 2^32, and the longest interval of that
  // measurement.
  std::uint64_t timer_scale_ = 0;
  std::uint64_t timer_measured_ = 0;
  std::uint64_t armed_at_ = 0;
  std::uint32_t armed_ticks_ = 0;
  bool has_deadline_ = false;

  WallEstimate wall_;
  Instant asked_at_{};
  Duration jump_{};  // of the wall clock, not yet handled by resume()
  std::uint64_t next_compare_ = 0;
  bool sharpening_ = false;
};

}  // namespace fata::kvm
