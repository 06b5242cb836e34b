#include "wall_clock.hpp"

#include "fata/arch/cpu.hpp"
#include "fata/board/clock.hpp"
#include "fata/kvm/pv_clock.hpp"

namespace fata::kvm {

kernel::HostTime read_wall_clock() {
  PvTime host;
  std::int64_t created = 0;
  if (read_pv_time(host) && read_pv_wall_base(created)) {
    return {created + static_cast<std::int64_t>(pv_system_ns(host, arch::read_tsc()))};
  }
  return board::read_battery_clock();
}

}  // namespace fata::kvm
