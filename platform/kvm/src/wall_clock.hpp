#pragma once

#include <cstdint>

namespace fata::kvm {
// Nanoseconds since 1970 (UTC): from KVM where it offers them, else from the battery clock, exact to a
// second; 0 if there is neither. Costs some microseconds, so it is asked once, when somebody wants to know.
std::int64_t read_wall_clock_ns();
}  // namespace fata::kvm
