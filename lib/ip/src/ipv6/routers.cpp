#include "fata/ip/ipv6/routers.hpp"

namespace fata::ip::ipv6 {
namespace {

// Returns a slot for a new entry. If the list is full, that is the slot of the entry that expires
// first.
template <class T, std::size_t N>
T& place_in(std::array<T, N>& list, std::size_t& used) {
  if (used < N) return list[used++];
  return *std::ranges::min_element(list, {}, &T::until);
}
template <class T, std::size_t N, class F>
void erase_if(std::array<T, N>& list, std::size_t& used, F gone) {
  for (std::size_t i = 0; i < used;) {
    if (gone(list[i])) {
      list[i] = list[--used];
    } else {
      ++i;
    }
  }
}

}  // namespace

void Routers::advertised(const Router& router, Instant now) {
  if (router.until <= now) return forget(router.address, router.interface);
  for (Router& each : std::span(routers_).first(router_count_)) {
    if (each.address == router.address && each.interface == router.interface)
      return void(each = router);
  }
  place_in(routers_, router_count_) = router;
}

void Routers::silent(const IpAddress& address, std::uint8_t interface, bool silent) {
  for (Router& each : std::span(routers_).first(router_count_)) {
    if (each.address == address && each.interface == interface) each.silent = silent;
  }
  if (!silent) return;
  // Drop the redirects to the silent router, so that another router can take over.
  erase_if(redirects_, redirect_count_, [&](const Redirect& each) {
    return each.hop == address && each.interface == interface;
  });
  // When all routers are silent, try them in turn.
  const auto all = std::span(routers_).first(router_count_);
  if (std::ranges::all_of(all, &Router::silent)) {
    for (Router& each : all) each.silent = each.address == address && each.interface == interface;
  }
}

void Routers::forget(const IpAddress& address, std::uint8_t interface) {
  erase_if(routers_, router_count_, [&](const Router& each) {
    return each.address == address && each.interface == interface;
  });
  erase_if(redirects_, redirect_count_, [&](const Redirect& each) {
    return each.hop == address && each.interface == interface;
  });
}

bool Routers::is_router(const IpAddress& address, std::uint8_t interface) const {
  return std::ranges::any_of(routers(), [&](const Router& each) {
    return each.address == address && each.interface == interface;
  });
}

void Routers::on_link(const Prefix& prefix, Instant now) {
  const auto same = [&](const Prefix& each) {
    return each.interface == prefix.interface && each.cidr.prefix == prefix.cidr.prefix &&
           each.cidr.contains(prefix.cidr.address);
  };
  if (prefix.until <= now) return erase_if(prefixes_, prefix_count_, same);
  for (Prefix& each : std::span(prefixes_).first(prefix_count_)) {
    if (same(each)) return void(each = prefix);
  }
  place_in(prefixes_, prefix_count_) = prefix;
}

bool Routers::is_neighbour(const IpAddress& address, std::uint8_t interface, Instant now) const {
  if (address.is_link_local() || is_router(address, interface)) return true;
  const bool near = std::ranges::any_of(prefixes(), [&](const Prefix& each) {
    return each.interface == interface && now < each.until && each.cidr.contains(address);
  });
  return near ||
         std::ranges::any_of(routes(),
                             [&](const Route& each) {
                               if (each.interface != interface) return false;
                               return each.gateway.is_any() ? each.to.contains(address)
                                                            : each.gateway == address;
                             }) ||
         std::ranges::any_of(
             std::span(redirects_).first(redirect_count_), [&](const Redirect& each) {
               return each.interface == interface && now < each.until && each.hop == address;
             });
}

bool Routers::add(const Route& route) {
  if (route_count_ == kRoutes) return false;
  std::size_t at = 0;
  while (at < route_count_ && routes_[at].to.prefix >= route.to.prefix) ++at;
  for (std::size_t i = route_count_++; i > at; --i) routes_[i] = routes_[i - 1];
  routes_[at] = route;
  return true;
}

bool Routers::remove(const Ipv6Cidr& to, std::uint8_t interface) {
  const auto rest =
      std::ranges::remove_if(std::span(routes_).first(route_count_), [&](const Route& route) {
        return route.interface == interface && route.to.prefix == to.prefix &&
               route.to.contains(to.address);
      });
  route_count_ -= rest.size();
  return !rest.empty();
}

void Routers::redirected(const Redirect& redirect, Instant) {
  for (Redirect& each : std::span(redirects_).first(redirect_count_)) {
    if (each.destination == redirect.destination) return void(each = redirect);
  }
  place_in(redirects_, redirect_count_) = redirect;
}

std::optional<Routers::Hop> Routers::find(const IpAddress& to, Instant now) const {
  for (const Redirect& each : std::span(redirects_).first(redirect_count_)) {
    if (each.destination == to && now < each.until) return Hop{each.interface, each.hop};
  }
  for (const Prefix& each : prefixes()) {
    if (now < each.until && each.cidr.contains(to)) return Hop{each.interface, to};
  }
  for (const Route& each : routes()) {
    if (each.to.contains(to)) return Hop{each.interface, each.gateway.is_any() ? to : each.gateway};
  }
  const Router* best = nullptr;
  const auto worth = [](const Router& router) {
    return (router.silent ? 0 : 4) + static_cast<int>(router.preference);
  };
  for (const Router& each : routers()) {
    if (now < each.until && (best == nullptr || worth(each) > worth(*best))) best = &each;
  }
  if (best == nullptr) return std::nullopt;
  return Hop{best->interface, best->address};
}

void Routers::age(Instant now) {
  erase_if(routers_, router_count_, [&](const Router& each) { return each.until <= now; });
  erase_if(prefixes_, prefix_count_, [&](const Prefix& each) { return each.until <= now; });
  erase_if(redirects_, redirect_count_, [&](const Redirect& each) { return each.until <= now; });
}

}  // namespace fata::ip::ipv6
