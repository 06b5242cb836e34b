#include "fata/stack/routes.hpp"

#include "fata/base/parameters.hpp"
#include "fata/ip/ipv4/engine.hpp"

namespace fata::stack {
namespace {

// Removes and returns the next word; empty after the last one.
std::string_view next_word(std::string_view& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == text.npos) return {};
  text.remove_prefix(begin);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

bool parse_network(std::string_view text, StaticRoute& out) {
  if (const auto v4 = Ipv4Cidr::parse(text)) {
    out.network = IpAddress(v4->address);
    out.prefix = v4->prefix;
    return true;
  }
  const auto v6 = Ipv6Cidr::parse(text);
  if (!v6) return false;
  out.network = v6->address;
  out.prefix = v6->prefix;
  return true;
}

bool parse_gateway(std::string_view text, StaticRoute& out) {
  const auto gateway = IpAddress::parse(text);
  if (!gateway) return false;
  out.gateway = *gateway;
  return !out.gateway.is_any() && !out.gateway.is_multicast() && !out.gateway.is_loopback();
}

}  // namespace

bool parse_parameter(std::string_view text, StaticRoute& out) {
  out = {};
  if (!parse_network(next_word(text), out)) return false;
  std::string_view on = next_word(text);
  if (on == "via") {
    if (!parse_gateway(next_word(text), out) || out.network.is_v4() != out.gateway.is_v4())
      return false;
    on = next_word(text);
    if (on.empty()) return true;
  } else {
    out.gateway = out.network.is_v4() ? IpAddress(Ipv4Address{}) : IpAddress();
  }
  std::uint16_t nic = 0;
  if (on != "on" || !fata::parse_parameter(next_word(text), nic) || nic >= ip::Interface::kMax)
    return false;
  out.nic = static_cast<std::uint8_t>(nic);
  return next_word(text).empty();
}
std::string_view parameter_expects(const StaticRoute&) {
  return "NETWORK/PREFIX via GATEWAY, and on CARD where the gateway does not say it: '10.9.0.0/16 "
         "via "
         "10.0.3.2'; or on the link, NETWORK/PREFIX on CARD";
}

const ErrorDomain& error_domain(RouteErrc) noexcept {
  static constexpr ErrorDomain domain{
      "route", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<RouteErrc>(code)) {
          case RouteErrc::kNoWay:
            return "no NIC's network has the gateway; name the NIC: NETWORK via GATEWAY on CARD";
          case RouteErrc::kNoNic:
            return "there is no NIC with that number; the first is 0";
          case RouteErrc::kNoIpv6:
            return "this image has no IPv6; build it with -D ipv6=true";
          case RouteErrc::kNoIpv4:
            return "this image has no IPv4; build it with -D ipv4=true";
          case RouteErrc::kTableFull:
            return "the table of routes is full";
        }
        return "unknown";
      }};
  return domain;
}

Result<void> add_route(const ip::Host& host, ip::ipv4::Engine& v4, const StaticRoute& route,
                       std::uint32_t number, Instant) {
  if (!route.gateway.is_v4()) return fail(Error(RouteErrc::kNoIpv6, number));
  const Ipv4Address gateway = route.gateway.v4();
  std::uint8_t nic = route.nic.value_or(0);
  if (!route.nic) {
    const ip::ipv4::Route* const way = v4.routes().find(gateway);
    if (way == nullptr || !way->gateway.is_any()) return fail(Error(RouteErrc::kNoWay, number));
    nic = way->interface;
  }
  if (nic >= host.interface_count()) return fail(Error(RouteErrc::kNoNic, number));
  if (!v4.routes().add(
          {{route.network.v4(), route.prefix}, gateway, nic, ip::ipv4::Route::Origin::kStatic}))
    return fail(Error(RouteErrc::kTableFull, number));
  return {};
}

}  // namespace fata::stack
