#include "fata/kvm/wall_estimate.hpp"

#include <algorithm>

namespace fata::kvm {

void WallEstimate::correct(Instant now, HostTime host) {
  const std::int64_t guess = next_ != 0 ? base_ + now.ns : host.ns;
  base_ = std::clamp(guess, host.ns, host.ns + host.resolution - 1) - now.ns;
  next_ = (now + kFresh).ns;
}

}  // namespace fata::kvm
