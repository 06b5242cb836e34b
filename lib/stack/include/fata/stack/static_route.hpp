// Addresses and routes of an interface from an image's parameters.
#pragma once

#include <optional>
#include <string_view>

#include "fata/base/address.hpp"
#include "fata/base/error.hpp"
#include "fata/base/result.hpp"

namespace fata::net {
class Interface;
namespace ipv4 {
class Engine;
}
namespace ipv6 {
class Engine;
struct Setup;
}  // namespace ipv6
}  // namespace fata::net

namespace fata::stack {

class StackCore;

// "10.9.0.0/16 via 10.0.3.2", "2001:db8:9::/48 via fe80::1 on 1": the syntax of a route in a
// netstat report. Without an interface number, the route uses the interface whose link has the
// gateway. "192.168.5.0/24 on 0": the network is on the link.
struct StaticRoute {
  IpAddress network;
  std::uint8_t prefix = 0;
  IpAddress gateway;  // any: on the link
  std::optional<std::uint8_t> card{};
};
bool parse_parameter(std::string_view text, StaticRoute& out);
std::string_view parameter_expects(const StaticRoute&);

enum class RouteErrc : std::uint32_t { kNoWay = 1, kNoCard, kNoIpv6, kTableFull };
const ErrorDomain& error_domain(RouteErrc) noexcept;

// `number` is the error's detail. The IPv4 engine refuses an IPv6 route.
Result<void> add_route(StackCore& core, net::ipv4::Engine& v4, const StaticRoute& route,
                       std::uint32_t number);
Result<void> add_route(StackCore& core, net::ipv6::Engine& v6, const StaticRoute& route,
                       std::uint32_t number);

// Assigns an address to an interface and logs it.
void use_address(StackCore& core, net::ipv4::Engine& v4, net::Interface& on,
                 const Ipv4Cidr& address);
void use_address(StackCore& core, net::ipv6::Engine& v6, net::Interface& on,
                 const net::ipv6::Setup& setup);

}  // namespace fata::stack
