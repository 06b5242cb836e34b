#include "clock.hpp"

#include <algorithm>

#include "fata/arch/cpu.hpp"

namespace fata::xen {
namespace {
static_assert(sizeof(kernel::PvTime) == sizeof(vcpu_time_info_t));
static_assert(offsetof(shared_info_t, wc_nsec) == offsetof(shared_info_t, wc_version) + 8);

const kernel::PvTime& time_of(const shared_info_t& shared) {
  return *reinterpret_cast<const kernel::PvTime*>(&shared.vcpu_info[0].time);
}

// Times beyond these, some 73 years, are invalid; sums of a few valid ones do not overflow.
constexpr std::uint64_t kMaxNs = std::uint64_t{1} << 61, kMaxSeconds = kMaxNs / 1'000'000'000;

std::int64_t bounded(std::uint64_t ns) { return static_cast<std::int64_t>(std::min(ns, kMaxNs)); }

// Nanoseconds since 1970 at the hypervisor's time zero.
std::int64_t wall_base(const shared_info_t& shared) {
  kernel::PvWall wall{};
  if (!kernel::copy_stable(*reinterpret_cast<const kernel::PvWall*>(&shared.wc_version), wall))
    return 0;
  const std::uint64_t seconds =
      std::uint64_t{__atomic_load_n(&shared.wc_sec_hi, __ATOMIC_RELAXED)} << 32 | wall.seconds;
  if (seconds > kMaxSeconds) return 0;
  return static_cast<std::int64_t>(seconds) * 1'000'000'000 + wall.nanoseconds;
}
}  // namespace

std::int64_t Clock::system_now() {
  // Usually, the hypervisor has written nothing since the last call.
  const kernel::PvTime& shared = time_of(*shared_);
  if (__atomic_load_n(&shared.version, __ATOMIC_ACQUIRE) != time_.version)
    kernel::copy_stable(shared, time_);
  return bounded(kernel::pv_system_ns(time_, arch::read_tsc()));
}

void Clock::start(const shared_info_t& shared, std::uint64_t entry_tsc) {
  shared_ = &shared;
  origin_ = system_now();
  kernel::PvTime since = time_;
  since.tsc = entry_tsc;
  since.system_time = 0;
  origin_ -= bounded(kernel::pv_system_ns(since, arch::read_tsc()));
  wall_base_ = wall_base(shared);
}

void Clock::resume(const shared_info_t& shared) {
  const WallTime before{wall_base_ + origin_ + last_};
  shared_ = &shared;
  time_ = {};
  const std::int64_t system = system_now();
  wall_base_ = wall_base(shared);
  const std::int64_t passed = std::max<std::int64_t>(0, wall_base_ + system - before.ns);
  origin_ = system - last_ - passed;
}

Instant Clock::now() {
  last_ = std::max(last_, system_now() - origin_);
  return {last_};
}

// The base changes when dom0 corrects the time.
WallTime Clock::wall() {
  const std::uint32_t version = __atomic_load_n(&shared_->wc_version, __ATOMIC_ACQUIRE);
  if (version != wall_version_) {
    const std::int64_t base = wall_base(*shared_);
    if (base != 0) {  // otherwise it is being written: retry next time
      wall_base_ = base;
      wall_version_ = version;
    }
  }
  return {wall_base_ + origin_ + now().ns};
}

std::uint64_t Clock::system_time_at(Instant instant) {
  std::int64_t at = 0;
  if (__builtin_add_overflow(instant.ns, origin_, &at)) return ~std::uint64_t{0} >> 1;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(at, 1));
}

}  // namespace fata::xen
