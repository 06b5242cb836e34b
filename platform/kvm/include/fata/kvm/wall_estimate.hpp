// The wall clock between two answers of the host. Pure arithmetic.
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"

namespace fata::kvm {

// The host's time lies in [ns, ns + resolution).
struct HostTime {
  std::int64_t ns = 0;
  std::int64_t resolution = 1;
};

// Extends the host's last answer by the monotonic clock, and follows the next answer only as far as
// the two differ: an answer that is exact to a second does not make it jump within that second.
class WallEstimate {
 public:
  static constexpr Duration kFresh = seconds(1);
  // An answer that contradicts the estimate by more is a jump: the machine stood still, or the
  // host's clock was set.
  static constexpr Duration kJump = seconds(1);
  // Then the host is asked often, for some seconds at most, until its answers leave no more doubt
  // than this: one that comes soon after its second has begun shows how far that has come.
  static constexpr Duration kSharp = milliseconds(50);
  static constexpr Duration kOften = milliseconds(25);

  // Whether the host is to be asked before at().
  bool is_due(Instant now) const { return now.ns >= next_; }
  // Whether at() jumped of late, and is not yet as exact as it will be.
  bool is_sharpening(Instant now) const { return now < sharp_until_ && doubt_ > kSharp.ns; }
  // Returns by how much the answer contradicts the estimate: how far at() has moved. 0 for the
  // first one.
  Duration correct(Instant now, HostTime host);
  WallTime at(Instant now) const { return {base_ + now.ns}; }
  // The monotonic clock took that long a step, as the time in which the machine stood still counts
  // as passed.
  void stepped(Duration step);

 private:
  std::int64_t base_ = 0;   // the earliest that the answers allow
  std::int64_t doubt_ = 0;  // how much later it may be
  std::int64_t next_ = 0;   // when the answer is too old; 0 before the first
  Instant sharp_until_{};
};

}  // namespace fata::kvm
