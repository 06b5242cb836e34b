#include "fata/ip/path_mtu.hpp"

#include <array>

#include <algorithm>
#include <span>

namespace fata::ip {

std::size_t PathMtuCache::first_of(const IpAddress& remote) {
  const Bytes octets(remote.octets());
  const std::uint64_t mixed =
      (load_be<std::uint64_t>(octets) ^ load_be<std::uint64_t>(octets.subspan(8))) *
      0x9e3779b97f4a7c15u;
  return (mixed >> 60) * kWays;
}

std::size_t PathMtuCache::find_limit(const IpAddress& remote, std::size_t link, Instant now) const {
  for (const Entry& entry : std::span(entries_).subspan(first_of(remote), kWays)) {
    if (entry.mtu != 0 && entry.remote == remote && now < entry.until)
      return std::min<std::size_t>(entry.mtu, link);
  }
  return link;
}

void PathMtuCache::lower(const IpAddress& remote, std::size_t mtu, Instant now) {
  used_ = true;
  Entry* place = nullptr;
  for (Entry& entry : std::span(entries_).subspan(first_of(remote), kWays)) {
    if (entry.mtu != 0 && entry.remote == remote) {
      if (now < entry.until) mtu = std::min<std::size_t>(mtu, entry.mtu);
      place = &entry;
      break;
    }
    if (place == nullptr || entry.until < place->until) place = &entry;
  }
  *place = {remote, static_cast<std::uint16_t>(std::min<std::size_t>(mtu, 65535)), now + kAge};
}

std::size_t next_mtu(std::size_t said, std::size_t length) {
  if (said != 0) return said;
  static constexpr std::array<std::uint16_t, 10> kPlateaus{32000, 17914, 8166, 4352, 2002,
                                                           1492,  1006,  508,  296,  68};
  for (const std::uint16_t plateau : kPlateaus) {
    if (plateau < length) return plateau;
  }
  return length;
}

}  // namespace fata::ip
