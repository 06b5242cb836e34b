// Xen's time: system time in nanoseconds, computed from the TSC and the hypervisor's shared page.
#pragma once

#include <cstdint>

#include "abi.hpp"
#include "fata/base/time.hpp"
#include "fata/kernel/pv_time.hpp"

namespace fata::xen {

class Clock {
 public:
  // `shared` must stay mapped. Time zero is at `entry_tsc`.
  void start(const shared_info_t& shared, std::uint64_t entry_tsc);
  // Called after a suspension. Time continues from the last value plus the wall-clock time that has
  // passed.
  void resume(const shared_info_t& shared);

  Instant now();
  WallTime wall();
  // The hypervisor's time at `instant`; at least 1, because the hypervisor treats 0 as "never".
  std::uint64_t system_time_at(Instant instant);

 private:
  std::int64_t system_now();

  const shared_info_t* shared_ = nullptr;
  kernel::PvTime time_{};
  std::int64_t origin_ = 0;  // the hypervisor's time at our zero
  // The last value returned: a new rate must not make time step back.
  std::int64_t last_ = 0;
  std::uint32_t wall_version_ = 0;  // of wall_base_
  std::int64_t wall_base_ = 0;
};

}  // namespace fata::xen
