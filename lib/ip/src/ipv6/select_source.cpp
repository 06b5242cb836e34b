#include <algorithm>
#include <array>

#include "fata/ip/ipv6/addresses.hpp"

namespace fata::ip::ipv6 {

unsigned policy_label(const IpAddress& address) {
  struct Row {
    Ipv6Cidr prefix;
    std::uint8_t label;
  };
  static constexpr std::array<Row, 8> kTable{
      {{{IpAddress::of(0, 0, 0, 0, 0, 0, 0, 1), 128}, 0},
       {{IpAddress::of(0, 0, 0, 0, 0, 0xffff, 0, 0), 96}, 4},
       {{IpAddress(), 96}, 3},
       {{IpAddress::of(0x2001, 0, 0, 0, 0, 0, 0, 0), 32}, 5},
       {{IpAddress::of(0x2002, 0, 0, 0, 0, 0, 0, 0), 16}, 2},
       {{IpAddress::of(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16}, 12},
       {{IpAddress::of(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10}, 11},
       {{IpAddress::of(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7}, 13}}};
  for (const Row& row : kTable) {
    if (row.prefix.contains(address)) return row.label;
  }
  return 1;
}

unsigned scope_of(const IpAddress& address) {
  if (address.is_multicast()) return static_cast<unsigned>(address.octets()[1] & std::byte{15});
  if (address.is_link_local() || address.is_loopback()) return 2;
  return Ipv6Cidr{IpAddress::of(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10}.contains(address) ? 5 : 14;
}

namespace {

bool better(const Address& a, const Address& b, const IpAddress& to, std::uint8_t interface,
            Instant now) {
  if (a.address() == to || b.address() == to) return a.address() == to;  // rule 1
  const unsigned scope = scope_of(to), scope_a = scope_of(a.address()),
                 scope_b = scope_of(b.address());
  if (scope_a != scope_b) return scope_a < scope_b ? scope_a >= scope : scope_b < scope;  // rule 2
  const bool fresh_a = now < a.preferred_until, fresh_b = now < b.preferred_until;
  if (fresh_a != fresh_b) return fresh_a;  // rule 3
  const bool here_a = a.interface == interface, here_b = b.interface == interface;
  if (here_a != here_b) return here_a;  // rule 5
  const unsigned label = policy_label(to);
  const bool like_a = policy_label(a.address()) == label,
             like_b = policy_label(b.address()) == label;
  if (like_a != like_b) return like_a;  // rule 6
  const auto common = [&](const Address& each) {
    return std::min<unsigned>(each.address().common_bits(to), each.cidr.prefix);
  };
  return common(a) > common(b);  // rule 8
}

}  // namespace

const Address* select_source(std::span<const Address> addresses, const IpAddress& destination,
                             std::uint8_t interface, Instant now) {
  const Address* best = nullptr;
  for (const Address& each : addresses) {
    if (!each.usable()) continue;
    // A link-local address is valid only on its own link.
    if (each.interface != interface &&
        (each.address().is_link_local() || scope_of(destination) <= 2))
      continue;
    if (best == nullptr || better(each, *best, destination, interface, now)) best = &each;
  }
  return best;
}

}  // namespace fata::ip::ipv6
