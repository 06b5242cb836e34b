#pragma once

#include "fata/kvm/wall_estimate.hpp"

namespace fata::kvm {
// Reads UTC from KVM's clock if available, otherwise from the battery clock, which is exact to a
// second. Without either, returns an arbitrary time from 1970 on. Takes some microseconds, or a
// fraction of a millisecond if the PC is emulated in user space.
HostTime read_wall_clock();
}  // namespace fata::kvm
