// Xen's time: system time in nanoseconds by the TSC, as the hypervisor tells in the shared page.
#pragma once

#include <cstdint>

#include "abi.hpp"
#include "fata/base/time.hpp"
#include "fata/guest/pv_time.hpp"

namespace fata::xen {

class Clock {
 public:
  // `shared` stays mapped. What passed since `entry_tsc` counts.
  void start(const shared_info_t& shared, std::uint64_t entry_tsc);
  // After the machine was stopped: goes on where it was, plus the time that passed meanwhile by the
  // wall clock.
  void resume(const shared_info_t& shared);

  Instant now();
  WallTime wall();
  // The hypervisor's time at which `instant` comes; at least 1, for 0 means "never" to it.
  std::uint64_t system_time_at(Instant instant);

 private:
  std::int64_t system_now();

  const shared_info_t* shared_ = nullptr;
  guest::PvTime time_{};
  std::int64_t origin_ = 0;  // the hypervisor's time at our zero
  std::int64_t last_ = 0;    // what was given out last: a new rate must not let time step back
  std::uint32_t wall_version_ = 0;  // of wall_base_
  std::int64_t wall_base_ = 0;
};

}  // namespace fata::xen
