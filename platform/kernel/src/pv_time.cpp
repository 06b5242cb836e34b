#include "fata/kernel/pv_time.hpp"

namespace fata::kernel {

std::uint64_t pv_rate(const PvTime& time) {
  if (time.scale == 0 || time.shift > 31 || time.shift < -31) return 0;
  const std::uint64_t ticks = (std::uint64_t{1'000'000'000} << 32) / time.scale;
  return static_cast<std::uint64_t>(time.shift < 0 ? ticks << -time.shift : ticks >> time.shift);
}

std::uint64_t pv_system_ns(const PvTime& time, std::uint64_t tsc) {
  std::uint64_t ticks = tsc - time.tsc;
  if (time.shift > 31 || time.shift < -31) return time.system_time;  // not a valid clock
  ticks = time.shift < 0 ? ticks >> -time.shift : ticks << time.shift;
  return time.system_time +
         static_cast<std::uint64_t>(static_cast<unsigned __int128>(ticks) * time.scale >> 32);
}

}  // namespace fata::kernel
