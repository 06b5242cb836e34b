// A separate file, so that an image without IPv6 links none of it.
#include "fata/net/ipv6/engine.hpp"
#include "fata/net/ipv6/setup.hpp"
#include "fata/stack/stack_core.hpp"
#include "fata/stack/static_route.hpp"

namespace fata::stack {

Result<void> add_route(StackCore& core, net::ipv6::Engine& v6, const StaticRoute& route,
                       std::uint32_t number) {
  std::uint8_t card = route.card.value_or(0);
  if (!route.card) {
    // A link-local gateway may be on any link.
    const auto hop = v6.routers().find(route.gateway, async::current_loop().now());
    if (route.gateway.is_link_local() ? core.host().interface_count() != 1
                                      : !hop || hop->address != route.gateway)
      return fail(Error(RouteErrc::kNoWay, number));
    if (hop) card = hop->interface;
  }
  if (card >= core.host().interface_count()) return fail(Error(RouteErrc::kNoCard, number));
  if (!v6.routers().add({{route.network, route.prefix}, route.gateway, card}))
    return fail(Error(RouteErrc::kTableFull, number));
  return {};
}

void use_address(StackCore& core, net::ipv6::Engine& v6, net::Interface& on,
                 const net::ipv6::Setup& setup) {
  const Instant now = async::current_loop().now();
  if (setup.mode == net::ipv6::Setup::Mode::kNone) return;
  v6.start(on, now);
  if (setup.mode == net::ipv6::Setup::Mode::kAuto) v6.autoconfigure(on, now);
  if (setup.mode == net::ipv6::Setup::Mode::kStatic) {
    v6.add_address(on, setup.address, now);
    core.log().info("address ", setup.address, ", card ", unsigned{on.index()});
  }
  core.flush();
}

}  // namespace fata::stack
