// KVM's paravirtual clock: what the host knows of the TSC's rate and of the time of day.
#pragma once

#include <cstdint>

namespace fata::kvm {

// What the host writes for a guest (the kernel's Documentation/virt/kvm/x86/msr.rst). While it writes,
// `version` is odd.
struct alignas(32) PvTime {
  std::uint32_t version, pad;
  std::uint64_t tsc;          // when this was written
  std::uint64_t system_time;  // ns since the guest was created, at that moment
  std::uint32_t scale;        // ns = ((ticks << shift) * scale) >> 32; a negative shift goes right
  std::int8_t shift;
  std::uint8_t flags, pad2[2];
};

std::uint64_t pv_rate(const PvTime& time);                          // ticks a second; 0 if the host gave none
std::uint64_t pv_system_ns(const PvTime& time, std::uint64_t tsc);  // ns since the guest was created

// Asks KVM once; false if the hypervisor is another or offers no clock.
bool read_pv_time(PvTime& out);
// Nanoseconds since 1970 at which the guest was created.
bool read_pv_wall_base(std::int64_t& out);

}  // namespace fata::kvm
