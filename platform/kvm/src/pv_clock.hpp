// KVM's paravirtual clock: what the host knows of the TSC's rate and of the time of day.
#pragma once

#include <cstdint>

#include "fata/guest/pv_time.hpp"

namespace fata::kvm {

using guest::pv_rate;
using guest::pv_system_ns;
using guest::PvTime;

// Asks KVM once; false if the hypervisor is another or offers no clock.
bool read_pv_time(PvTime& out);
// Nanoseconds since 1970 at which the guest was created.
bool read_pv_wall_base(std::int64_t& out);

}  // namespace fata::kvm
