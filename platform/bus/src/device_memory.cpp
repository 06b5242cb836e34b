#include <algorithm>

#include "fata/bus/memory.hpp"

namespace fata::bus {

bool may_hold_device(std::uint64_t physical, std::uint64_t size, std::uint64_t limit,
                     std::span<const Region> taken) {
  constexpr std::uint64_t kPage = 4096;
  if (size == 0 || size > kMaxDevice || physical < kNullZone || physical >= limit ||
      limit - physical < size)
    return false;
  const std::uint64_t begin = physical & ~(kPage - 1);
  const std::uint64_t end = (physical + size + kPage - 1) & ~(kPage - 1);
  return std::ranges::none_of(
      taken, [&](const Region& region) { return begin < region.end && region.begin < end; });
}

}  // namespace fata::bus
