// Routes of a stack from an image's parameter.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "fata/async/context.hpp"
#include "fata/async/task.hpp"
#include "fata/base/address.hpp"
#include "fata/base/parameters.hpp"
#include "fata/base/result.hpp"
#include "fata/ip/host.hpp"
#include "fata/ip/ipv4/engine.hpp"
#include "fata/ip/ipv6/engine.hpp"
#include "fata/sig/stack_port.hpp"

namespace fata::stack {

// "10.9.0.0/16 via 10.0.3.2", "2001:db8:9::/48 via fe80::1 on 1": the syntax of a route in a
// netstat report. Without an interface number, the route uses the interface whose link has the
// gateway. "192.168.5.0/24 on 0": the network is on the link.
struct StaticRoute {
  IpAddress network;
  std::uint8_t prefix = 0;
  IpAddress gateway;  // any: on the link
  std::optional<std::uint8_t> nic{};
};
bool parse_parameter(std::string_view text, StaticRoute& out);
std::string_view parameter_expects(const StaticRoute&);

enum class RouteErrc : std::uint32_t { kNoWay = 1, kNoNic, kNoIpv6, kTableFull, kNoIpv4 };
const ErrorDomain& error_domain(RouteErrc) noexcept;
inline bool is_of_other_family(const Error& error) {
  return error.is(RouteErrc::kNoIpv4) || error.is(RouteErrc::kNoIpv6);
}

// `number` is the error's detail. Each engine refuses a route of the other family.
Result<void> add_route(const ip::Host& host, ip::ipv4::Engine& v4, const StaticRoute& route,
                       std::uint32_t number, Instant now);
Result<void> add_route(const ip::Host& host, ip::ipv6::Engine& v6, const StaticRoute& route,
                       std::uint32_t number, Instant now);

// The routes of a parameter, as a device of a plan.
template <sig::StackPort Stack, class... Families>
class Routes final {
 public:
  // On failure, the error's detail is the number of the invalid route; the first is 1.
  template <std::size_t N>
  static async::Task<Result<std::unique_ptr<Routes>>> connect(
      async::Context&, Stack& stack, Families&... families, ParameterList<StaticRoute, N> routes) {
    std::uint32_t number = 0;
    for (const StaticRoute& each : routes.items()) {
      ++number;
      Result<void> added;
      // The last family reports what the others have refused.
      ((added = add_route(stack.host(), families.engine(), each, number, stack.now()),
        added || !is_of_other_family(added.error())) ||
       ...);
      if (!added) return async::ready(Result<std::unique_ptr<Routes>>(fail(added.error())));
    }
    return async::ready(Result<std::unique_ptr<Routes>>(std::make_unique<Routes>()));
  }
};

}  // namespace fata::stack
