// The machine's time: which source tells the TSC's rate, and the timer that ends idling.
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"
#include "fata/kvm/tsc_clock.hpp"
#include "fata/kvm/wall_estimate.hpp"

namespace fata::kvm {

class Clock {
 public:
  void start(std::uint64_t entry_tsc);
  // After some useful work, so that the references had time to move.
  void finish_start();

  Instant now() const;
  WallTime wall();
  // Whether the host's clock and ours have parted by more than a second since the last resume():
  // the machine stood still, or the host's clock was set. The host is asked 20 times a second at
  // most.
  bool has_jumped();
  // After a restore, perhaps on another host: the time that the machine stood still counts as
  // passed.
  void resume();
  // After a jump the host is asked often, where its answer is exact to a second only, until ours is
  // exact to 50 ms. One comparison if there is nothing to do.
  void sharpen();
  bool is_sharpening() const { return sharpening_; }
  // Takes a sample if one pays now. One comparison if not.
  void refine_in_passing();
  // Arms the timer; it may fire early, never later than a little after `deadline`.
  void arm_timer(Instant deadline);
  void timer_woke();

 private:
  bool rate_from_host();
  void ask_wall();

  TscClock clock_;
  RateEstimate estimate_;
  std::uint64_t next_refine_ = 0;
  bool uses_reference_ = false;

  // The local APIC timer's ticks a TSC tick, times 2^32, and the longest stretch it was measured
  // over.
  std::uint64_t timer_scale_ = 0;
  std::uint64_t timer_measured_ = 0;
  std::uint64_t armed_at_ = 0;
  std::uint32_t armed_ticks_ = 0;
  bool has_deadline_ = false;

  WallEstimate wall_;
  Instant asked_at_{};
  Duration jump_{};  // of the wall clock, that resume() has not seen
  std::uint64_t next_compare_ = 0;
  bool sharpening_ = false;
};

}  // namespace fata::kvm
