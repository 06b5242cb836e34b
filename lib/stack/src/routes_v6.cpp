// A separate file, so that an image without IPv6 links none of it.
#include "fata/ip/ipv6/engine.hpp"
#include "fata/stack/routes.hpp"

namespace fata::stack {

Result<void> add_route(const ip::Host& host, ip::ipv6::Engine& v6, const StaticRoute& route,
                       std::uint32_t number, Instant now) {
  if (route.gateway.is_v4()) return fail(Error(RouteErrc::kNoIpv4, number));
  std::uint8_t nic = route.nic.value_or(0);
  if (!route.nic) {
    // A link-local gateway may be on any link.
    const auto hop = v6.routers().find(route.gateway, now);
    if (route.gateway.is_link_local() ? host.interface_count() != 1
                                      : !hop || hop->address != route.gateway)
      return fail(Error(RouteErrc::kNoWay, number));
    if (hop) nic = hop->interface;
  }
  if (nic >= host.interface_count()) return fail(Error(RouteErrc::kNoNic, number));
  if (!v6.routers().add({{route.network, route.prefix}, route.gateway, nic}))
    return fail(Error(RouteErrc::kTableFull, number));
  return {};
}

}  // namespace fata::stack
