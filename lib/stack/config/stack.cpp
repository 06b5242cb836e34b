#include "fata/config/stack.hpp"

#include "fata/config/platform_devices.hpp"

namespace fata::config {

namespace {
using detail::Argument;
using detail::NodePtr;

struct Part {
  std::string_view type, header;
  Form form = Form::kValue;
  std::string_view called{};
};

template <Tag T>
Device<T> make(const Part& part, Where where, std::vector<NodePtr> after,
               std::vector<Argument> arguments) {
  return detail::make_device<T>({.type = "fata::stack::" + std::string(part.type),
                                 .headers = {"fata/stack/" + std::string(part.header)},
                                 .libraries = {"stack"},
                                 .form = part.form,
                                 .called = std::string(part.called),
                                 .where = where},
                                std::move(arguments), {}, {}, std::move(after));
}
}  // namespace

namespace detail {

std::string help_of(std::string_view what, std::size_t number) {
  return std::string(what) + (number == 0 ? "" : " of NIC " + std::to_string(number));
}

Device<Bundle> StaticAddresses::ipv4(const Of& of) const {
  // The networks of QEMU's user networking, of which `fata run` starts one per interface.
  const Ipv4Cidr usual{"10.0." + std::to_string(2 + of.number) + ".15/24"};
  std::vector<Argument> arguments{
      of.stack.node(), of.ipv4.node(), of.interface.node(),
      to_argument(parameter(numbered("ipv4", of.number), usual,
                            help_of("IPv4 address and prefix length", of.number), where_))};
  if (of.number == 0)
    arguments.push_back(
        to_argument(parameter("ipv4-gateway", Ipv4{"10.0.2.2"}, "IPv4 gateway", where_)));
  return make<Bundle>({"Address", "addresses.hpp"}, where_, {}, std::move(arguments));
}

namespace {
Device<Bundle> ipv6_address(const Device<Bundle>& stack, const Device<Bundle>& ipv6,
                            const Device<Bundle>& interface, std::size_t number, Where where) {
  std::vector<Argument> arguments{
      stack.node(), ipv6.node(), interface.node(),
      to_argument(parameter(numbered("ipv6", number), Ipv6Setup{"auto"},
                            help_of("IPv6 address and prefix length", number), where))};
  if (number == 0)
    arguments.push_back(to_argument(parameter("ipv6-gateway", Ipv6Gateway{"none"},
                                              "IPv6 gateway, if no router says one", where)));
  return make<Bundle>({"Address", "addresses.hpp"}, where, {}, std::move(arguments));
}
}  // namespace

Stack build_stack(const std::vector<Device<NetDevice>>& nics, const AddressSource& addresses,
                  const StackParts& parts, Where where) {
  std::vector<NodePtr> devices;
  for (const Device<NetDevice>& nic : nics) devices.push_back(nic.node());
  // Packets in the tables of a stack lie in the memory of its devices.
  const auto own =
      make<Bundle>({"seeded::Stack", "stack.hpp"}, where, devices, {default_random(where).node()});
  std::vector<NodePtr> families;
  std::optional<Device<Bundle>> ipv4, ipv6;
  if (parts.ipv4)
    families.push_back(
        ipv4.emplace(make<Bundle>({"Ipv4", "families.hpp"}, where, {}, {own.node()})).node());
  if (parts.ipv6)
    families.push_back(
        ipv6.emplace(make<Bundle>({"Ipv6", "families.hpp"}, where, {}, {own.node()})).node());
  const auto udp = make<Bundle>({"UdpOn", "udp.hpp"}, where, families, {own.node()});

  std::vector<NodePtr> attached;  // in order
  std::optional<Device<Bundle>> previous;
  for (std::size_t number = 0; number < nics.size(); ++number) {
    const auto interface =
        make<Bundle>({"NetInterface", "net_interface.hpp", Form::kValue, "the network interface"},
                     where, families,
                     {own.node(), nics[number].node(),
                      to_argument(parameter(numbered("vlan", number), Vlan{"none"},
                                            help_of("802.1Q VLAN, 1 to 4094", number), where))});
    attached.push_back(interface.node());
    if (ipv6) attached.push_back(ipv6_address(own, *ipv6, interface, number, where).node());
    if (ipv4) {
      const bool last = number + 1 == nics.size();
      previous = addresses.ipv4({own, udp, *ipv4, interface, number, last, previous});
      attached.push_back(previous->node());
    }
  }
  if (nics.size() > 1) {
    std::vector<Argument> arguments{own.node()};
    arguments.insert(arguments.end(), families.begin(), families.end());
    arguments.push_back(to_argument(list_parameter<StaticRoute, 16>(
        "route", "a network behind a gateway: 'NETWORK/PREFIX via GATEWAY'", where)));
    attached.push_back(make<Bundle>({"Routes", "routes.hpp", Form::kConnect, "the routes"}, where,
                                    attached, std::move(arguments))
                           .node());
  }
  std::vector<Argument> of_tcp{own.node()};
  if (parts.requests) {
    const auto reporter = make<Bundle>(
        {"Reporter", "netstat.hpp"}, where, attached,
        {own.node(), udp.node(), parts.requests->node(), default_console(where).node()});
    attached.push_back(reporter.node());
    of_tcp.push_back(reporter.node());
  }
  const Part tcp = parts.requests ? Part{"ReportedTcp", "netstat.hpp"} : Part{"TcpOn", "tcp.hpp"};
  std::vector<Argument> of_names{own.node()};
  if (ipv6) of_names.push_back(ipv6->node());
  return {make_device<Udp>({.type = "udp", .form = Form::kMember, .where = where}, {udp.node()},
                           "udp", {}, attached),
          make<Tcp>(tcp, where, attached, std::move(of_tcp)),
          make<Ping>({"Ping", "ping.hpp"}, where, attached, {own.node()}),
          make<Names>({"Names", "names.hpp"}, where, attached, std::move(of_names))};
}

}  // namespace detail

Stack stack(const Device<NetDevice>& nic, Where where) {
  return detail::build_stack({nic}, detail::StaticAddresses(where), {}, where);
}
Stack stack_ipv4(const Device<NetDevice>& nic, Where where) {
  return detail::build_stack({nic}, detail::StaticAddresses(where), {.ipv6 = false}, where);
}
Stack stack_ipv6(const Device<NetDevice>& nic, Where where) {
  return detail::build_stack({nic}, detail::StaticAddresses(where), {.ipv4 = false}, where);
}

Device<NetDevice> record(const Device<NetDevice>& nic, const Device<Capture>& into, Where where) {
  return device<NetDevice>({.type = "fata::stack::PcapDevice",
                            .headers = {"fata/stack/pcap.hpp"},
                            .libraries = {"stack"},
                            .where = where},
                           nic, default_clock(where), into);
}

}  // namespace fata::config
