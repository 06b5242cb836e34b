// The time page that a hypervisor writes for its guests: Xen's layout, which KVM adopted.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

namespace fata::kernel {

// `struct vcpu_time_info` of xen/xen.h (KVM: the kernel's Documentation/virt/kvm/x86/msr.rst).
// `version` is odd while the hypervisor writes.
struct alignas(32) PvTime {
  std::uint32_t version, pad;
  std::uint64_t tsc;  // at the time of writing
  // Nanoseconds from the start of the guest (KVM) or the host (Xen) to the time of writing.
  std::uint64_t system_time;
  // ns = ((ticks << shift) * scale) >> 32; a negative shift is a right shift.
  std::uint32_t scale;
  std::int8_t shift;
  std::uint8_t flags, pad2[2];
};
struct PvWall {
  std::uint32_t version, seconds, nanoseconds;
};

// Returns the ticks per second; 0 if the hypervisor set no scale.
std::uint64_t pv_rate(const PvTime& time);
// Returns system_time extrapolated to `tsc`.
std::uint64_t pv_system_ns(const PvTime& time, std::uint64_t tsc);

// Copies the page, which the hypervisor may write at any instruction. A copy is valid if the
// version was even and not 0 before it, and unchanged after it. Returns false after 64 tries.
template <class T>
bool copy_stable(const T& shared, T& out) {
  for (unsigned tries = 0; tries < 64; ++tries) {
    const std::uint32_t before = __atomic_load_n(&shared.version, __ATOMIC_ACQUIRE);
    std::memcpy(&out, &shared, sizeof(T));
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (before == __atomic_load_n(&shared.version, __ATOMIC_ACQUIRE) && before % 2 == 0 &&
        before != 0)
      return true;
  }
  return false;
}

}  // namespace fata::kernel
