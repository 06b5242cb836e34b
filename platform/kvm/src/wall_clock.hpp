#pragma once

#include "fata/kvm/wall_estimate.hpp"

namespace fata::kvm {
// UTC: from KVM where it offers it, else from the battery clock, exact to a second; where there is
// neither, anything from 1970 on. Costs some microseconds, on a PC in user space's hands a fraction
// of a millisecond.
HostTime read_wall_clock();
}  // namespace fata::kvm
