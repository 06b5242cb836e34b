#pragma once

#include "fata/kvm/wall_estimate.hpp"

namespace fata::kvm {
// UTC: from KVM's clock if available, otherwise from the battery clock, exact to a second. Without
// either, any time from 1970 on. Takes some microseconds; with a PC emulated in user space, a
// fraction of a millisecond.
HostTime read_wall_clock();
}  // namespace fata::kvm
