#include "fata/kernel/wall_estimate.hpp"

#include <algorithm>

namespace fata::kernel {

Duration WallEstimate::correct(Instant now, HostTime host) {
  const std::int64_t first = host.ns - now.ns, last = first + host.resolution - 1;
  const std::int64_t guess = next_ != 0 ? base_ : first;
  base_ = std::clamp(guess, first, last);
  const Duration moved = nanoseconds(base_ - guess);
  const bool agrees = next_ != 0 && base_ <= guess + doubt_;
  doubt_ = (agrees ? std::min(last, guess + doubt_) : last) - base_;
  if (moved > kJump || moved + kJump < Duration{}) sharp_until_ = now + kJump * 4;
  next_ = (now + (is_sharpening(now) ? kOften : kFresh)).ns;
  return moved;
}

void WallEstimate::stepped(Duration step) {
  base_ -= step.ns;
  next_ += step.ns;
  sharp_until_ = sharp_until_ + step;
}

}  // namespace fata::kernel
