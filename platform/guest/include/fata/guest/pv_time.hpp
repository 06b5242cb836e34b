// The time that a host writes for its guests: one layout, of Xen's making, which KVM took over.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

namespace fata::guest {

// `struct vcpu_time_info` of xen/xen.h (KVM: the kernel's Documentation/virt/kvm/x86/msr.rst).
// While the host writes, `version` is odd.
struct alignas(32) PvTime {
  std::uint32_t version, pad;
  std::uint64_t tsc;  // when this was written
  // Ns since the guest (KVM) or the host (Xen) was started, at that moment.
  std::uint64_t system_time;
  std::uint32_t scale;  // ns = ((ticks << shift) * scale) >> 32; a negative shift goes right
  std::int8_t shift;
  std::uint8_t flags, pad2[2];
};
struct PvWall {
  std::uint32_t version, seconds, nanoseconds;
};

// Ticks a second; 0 if the host gave none.
std::uint64_t pv_rate(const PvTime& time);
std::uint64_t pv_system_ns(const PvTime& time, std::uint64_t tsc);  // system_time at another moment

// The host writes between two of our instructions, so a copy holds if the version stayed the same
// and even.
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

}  // namespace fata::guest
