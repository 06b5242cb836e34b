#include "fata/config/stack.hpp"

#include "fata/config/platform_devices.hpp"

namespace fata::config {

namespace {
using Arguments = std::vector<detail::Argument>;

void add(Arguments& to, const auto& value) { to.push_back(detail::to_argument(value)); }

std::string help_of(std::string_view what, std::size_t number) {
  return std::string(what) + (number == 0 ? "" : " of card " + std::to_string(number));
}

detail::AddressSource static_addresses(Where where) {
  return {.library = "stack",
          .called = "IPv4 address and prefix length",
          .gateway_help = "IPv4 gateway",
          .ipv4 = [where](std::string_view name, std::size_t number, std::string_view help) {
            // The networks of QEMU's user networking, of which `fata run` starts one per interface.
            const Ipv4Cidr usual{"10.0." + std::to_string(2 + number) + ".15/24"};
            return detail::to_argument(parameter(name, usual, help, where));
          }};
}

// A template of the net library with its own header.
template <Tag T>
Device<T> beside(const Device<Bundle>& of, std::string_view type, std::string_view header,
                 Where where) {
  return device<T>({.type = "fata::stack::" + std::string(type),
                    .headers = {"fata/stack/" + std::string(header)},
                    .libraries = {"stack"},
                    .where = where},
                   of);
}
}  // namespace

namespace detail {

StackMaker::StackMaker(bool ipv6, Where where) : StackMaker(ipv6, static_addresses(where), where) {}
StackMaker::StackMaker(bool ipv6, AddressSource source, Where where)
    : ipv6_(ipv6), source_(std::move(source)), where_(where) {}

Device<Bundle> StackMaker::on(const Device<NetDevice>& card) const {
  Arguments arguments{card.node(), default_random(where_).node(), ipv4(0)};
  add(arguments, parameter("ipv4-gateway", Ipv4{"10.0.2.2"}, source_.gateway_help, where_));
  if (ipv6_) {
    add(arguments, ipv6(0));
    add(arguments, parameter("ipv6-gateway", Ipv6Gateway{"none"},
                             "IPv6 gateway, if no router says one", where_));
  }
  add_options(arguments, 0);
  return make(ipv6_ ? "Stack" : "Ipv4Stack", "stack.hpp", std::move(arguments));
}

Device<Bundle> StackMaker::also_on(const Device<NetDevice>& card, std::size_t number,
                                   const Device<Bundle>& of) const {
  Arguments arguments{card.node(), of.node()};
  if (source_.random) add(arguments, default_random(where_));
  arguments.push_back(ipv4(number));
  if (ipv6_) add(arguments, ipv6(number));
  add_options(arguments, number);
  return make("WithCard", "more_cards.hpp", std::move(arguments));
}

Argument StackMaker::ipv4(std::size_t number) const {
  return source_.ipv4(numbered("ipv4", number), number, help_of(source_.called, number));
}
Parameter<Ipv6Setup> StackMaker::ipv6(std::size_t number) const {
  return parameter(numbered("ipv6", number), Ipv6Setup{"auto"},
                   help_of("IPv6 address and prefix length", number), where_);
}
void StackMaker::add_options(Arguments& to, std::size_t number) const {
  to.insert(to.end(), source_.options.begin(), source_.options.end());
  add(to, parameter(numbered("vlan", number), Vlan{"none"},
                    help_of("802.1Q VLAN, 1 to 4094", number), where_));
}
Device<Bundle> StackMaker::make(std::string_view type, std::string_view header,
                                Arguments arguments) const {
  const std::string& library = source_.library;
  return make_device<Bundle>({.type = "fata::" + library + "::" + std::string(type),
                              .headers = {"fata/" + library + "/" + std::string(header)},
                              .libraries = {library},
                              .form = Form::kConnect,
                              .called = "the network stack",
                              .where = where_},
                             std::move(arguments));
}

Device<Bundle> with_routes(const Device<Bundle>& of, Where where) {
  return device<Bundle>(
      {.type = "fata::stack::WithRoutes",
       .headers = {"fata/stack/more_cards.hpp"},
       .libraries = {"stack"},
       .form = Form::kConnect,
       .called = "the routes",
       .where = where},
      of,
      list_parameter<StaticRoute, 16>(
          "route", "a network behind a gateway: 'NETWORK/PREFIX via GATEWAY'", where));
}

Device<Bundle> with_netstat(const Device<Bundle>& of, const Device<ReportRequests>& requests,
                            Where where) {
  return device<Bundle>({.type = "fata::stack::NetstatStack",
                         .headers = {"fata/stack/netstat.hpp"},
                         .libraries = {"stack"},
                         .where = where},
                        of, requests, default_console(where));
}

Stack members(const Device<Bundle>& of, Where where) {
  return {member<Udp>(of, "udp", where), member<Tcp>(of, "tcp", where),
          beside<Ping>(of, "Ping", "ping.hpp", where),
          beside<Names>(of, "Names", "names.hpp", where)};
}

}  // namespace detail

Stack stack(const Device<NetDevice>& card, Where where) {
  return detail::members(detail::StackMaker(true, where).on(card), where);
}
Stack stack_ipv4(const Device<NetDevice>& card, Where where) {
  return detail::members(detail::StackMaker(false, where).on(card), where);
}

Device<NetDevice> record(const Device<NetDevice>& card, const Device<Capture>& into, Where where) {
  return device<NetDevice>({.type = "fata::stack::PcapDevice",
                            .headers = {"fata/stack/pcap.hpp"},
                            .libraries = {"stack"},
                            .where = where},
                           card, default_clock(where), into);
}

}  // namespace fata::config
