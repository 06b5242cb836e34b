// KVM's paravirtual clock: the TSC's rate and the time of day from the host.
#pragma once

#include <cstdint>

#include "fata/kernel/pv_time.hpp"

namespace fata::kvm {

using kernel::pv_rate;
using kernel::pv_system_ns;
using kernel::PvTime;

// Queries KVM once. Returns false if the hypervisor is not KVM or has no clock.
bool read_pv_time(PvTime& out);
// The time of the guest's creation, in nanoseconds since 1970.
bool read_pv_wall_base(std::int64_t& out);

}  // namespace fata::kvm
