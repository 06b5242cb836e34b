#pragma once

#include "fata/kernel/wall_estimate.hpp"

namespace fata::kvm {
// Reads UTC from KVM's clock if available, otherwise from the board's battery clock.
kernel::HostTime read_wall_clock();
}  // namespace fata::kvm
