#include "fata/kvm/pv_clock.hpp"

#include "fata/arch/cpu.hpp"
#include "fata/arch/memory.hpp"

namespace fata::kvm {
namespace {
using arch::CpuId;
using arch::cpuid;

constexpr std::uint32_t kWallClock = 0x4b564d00, kSystemTime = 0x4b564d01;

using kernel::copy_stable;
using kernel::PvWall;

constinit PvTime shared_time{};
alignas(16) constinit PvWall shared_wall{};

bool is_offered() {
  if (((cpuid(1).c >> 31) & 1) == 0) return false;
  const CpuId hypervisor = cpuid(0x40000000);
  const bool kvm = hypervisor.b == 0x4b4d564b && hypervisor.c == 0x564b4d56 && hypervisor.d == 0x4d;
  return kvm && ((cpuid(0x40000001).a >> 3) & 1) != 0;
}
}  // namespace

bool read_pv_time(PvTime& out) {
  if (!is_offered()) return false;
  arch::write_msr(kSystemTime, bus::dma_address(&shared_time) | 1);
  const bool ok = copy_stable(shared_time, out);
  arch::write_msr(kSystemTime, 0);
  return ok;
}

bool read_pv_wall_base(std::int64_t& out) {
  if (!is_offered()) return false;
  arch::write_msr(kWallClock, bus::dma_address(&shared_wall));
  PvWall wall;
  if (!copy_stable(shared_wall, wall)) return false;
  out = std::int64_t{wall.seconds} * 1'000'000'000 + wall.nanoseconds;
  return wall.seconds != 0;
}

}  // namespace fata::kvm
