// The wall clock between two readings of the host's clock. Pure arithmetic.
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"

namespace fata::kernel {

// The host's time is in [ns, ns + resolution).
struct HostTime {
  std::int64_t ns = 0;
  std::int64_t resolution = 1;
};

// Extends the host's last reading by the monotonic clock, and follows the next reading only as far
// as the two contradict: a reading that is exact to a second does not make it jump within that
// second.
class WallEstimate {
 public:
  static constexpr Duration kFresh = seconds(1);
  // A reading that contradicts the estimate by more than this is a jump: the machine was paused, or
  // the host's clock was set.
  static constexpr Duration kJump = seconds(1);
  // After a jump the host is queried often, for at most some seconds, until the remaining doubt is
  // at most kSharp: a reading soon after the start of a second is precise.
  static constexpr Duration kSharp = milliseconds(50);
  static constexpr Duration kOften = milliseconds(25);

  // True if the host must be queried before at().
  bool is_due(Instant now) const { return now.ns >= next_; }
  // True after a recent jump while at() is not yet precise.
  bool is_sharpening(Instant now) const { return now < sharp_until_ && doubt_ > kSharp.ns; }
  // Returns the difference by which the reading contradicts the estimate, and by which at() has
  // moved; 0 for the first reading.
  Duration correct(Instant now, HostTime host);
  WallTime at(Instant now) const { return {base_ + now.ns}; }
  // The host's clock is at most this much later than at().
  Duration doubt() const { return {doubt_}; }
  // Accounts for a step of the monotonic clock, which counts the time of a pause as passed.
  void stepped(Duration step);

 private:
  std::int64_t base_ = 0;   // the earliest time that the readings allow
  std::int64_t doubt_ = 0;  // the latest time, relative to base_
  std::int64_t next_ = 0;   // the time of the next query; 0 before the first
  Instant sharp_until_{};
};

}  // namespace fata::kernel
