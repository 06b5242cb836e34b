#include "fata/ip/ipv4/routes.hpp"

#include <algorithm>

namespace fata::ip::ipv4 {

bool Routes::add(Route route) {
  route.to.address.value &= route.to.mask();
  std::size_t at = 0;
  for (; at < used_ && routes_[at].to.prefix >= route.to.prefix; ++at) {
    Route& old = routes_[at];
    if (old.to == route.to && old.interface == route.interface && old.origin == route.origin)
      return old = route, true;
  }
  if (used_ == kMax) return false;
  for (std::size_t i = used_++; i > at; --i) routes_[i] = routes_[i - 1];
  routes_[at] = route;
  return true;
}

bool Routes::is_neighbour(Ipv4Address address, std::uint8_t interface) const {
  return std::ranges::any_of(all(), [&](const Route& route) {
    if (route.interface != interface) return false;
    return route.gateway.is_any() ? route.to.contains(address) : route.gateway == address;
  });
}

bool Routes::remove(const Ipv4Cidr& to, std::uint8_t interface, Route::Origin origin) {
  const Ipv4Cidr network{{to.address.value & to.mask()}, to.prefix};
  const auto rest =
      std::ranges::remove_if(std::span(routes_).first(used_), [&](const Route& route) {
        return route.to == network && route.interface == interface && route.origin == origin;
      });
  used_ -= rest.size();
  return !rest.empty();
}

}  // namespace fata::ip::ipv4
