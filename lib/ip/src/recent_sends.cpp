#include "fata/ip/recent_sends.hpp"

#include <span>

namespace fata::ip {

std::size_t RecentSends::set_of(const IpAddress& remote) {
  const Bytes octets(remote.octets());
  const std::uint64_t mixed =
      (load_be<std::uint64_t>(octets) ^ load_be<std::uint64_t>(octets.subspan(8))) *
      0x9e3779b97f4a7c15u;
  return (mixed >> 60) * kWays;
}

void RecentSends::note(const Sent& sent, Instant now) {
  Entry* place = nullptr;
  for (Entry& entry : std::span(entries_).subspan(set_of(sent.remote), kWays)) {
    if (entry.sent == sent) return void(entry.at = now);
    if (place == nullptr || entry.at < place->at) place = &entry;
  }
  *place = {sent, now};
}

std::uint16_t RecentSends::find(const Sent& like, Instant now) const {
  for (const Entry& entry : std::span(entries_).subspan(set_of(like.remote), kWays)) {
    Sent wanted = like;
    if (like.length == 0) wanted.length = entry.sent.length;
    if (entry.sent.length != 0 && entry.sent == wanted && now - entry.at <= kAge)
      return entry.sent.length;
  }
  return 0;
}

}  // namespace fata::ip
