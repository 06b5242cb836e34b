#include "fata/config/dhcp.hpp"

#include "fata/config/platform_devices.hpp"

namespace fata::config {

namespace detail {

DhcpAddresses::DhcpAddresses(Where where)
    : where_(where),
      options_{to_argument(parameter("hostname", HostName{""},
                                     "what to call oneself towards a DHCP server", where)),
               to_argument(parameter(
                   "dhcp-probe", true,
                   "first check that no other machine uses the address; takes 4 to 7 s", where))} {}

Device<Bundle> DhcpAddresses::ipv4(const Of& of) const {
  std::vector<Argument> arguments{of.stack.node(), of.udp.node(), of.ipv4.node(),
                                  of.interface.node(), default_random(where_).node()};
  if (of.previous) arguments.emplace_back(of.previous->node());
  arguments.push_back(to_argument(
      parameter(numbered("ipv4", of.number), Ipv4Setup{"dhcp"},
                help_of("dhcp, or an IPv4 address and prefix length", of.number), where_)));
  if (!of.previous)
    arguments.push_back(to_argument(
        parameter("ipv4-gateway", Ipv4{"10.0.2.2"}, "IPv4 gateway of a static address", where_)));
  arguments.insert(arguments.end(), options_.begin(), options_.end());
  // All interfaces search at the same time; the last one waits for all of them.
  if (!of.last) arguments.push_back(to_argument(false));
  return make_device<Bundle>({.type = "fata::dhcp::DynamicAddress",
                              .headers = {"fata/dhcp/dynamic_address.hpp"},
                              .libraries = {"dhcp"},
                              .form = Form::kConnect,
                              .called = "the network stack",
                              .where = where_},
                             std::move(arguments));
}

}  // namespace detail

Stack stack_dhcp(const Device<NetDevice>& nic, Where where) {
  return detail::build_stack({nic}, detail::DhcpAddresses(where), {}, where);
}
Stack stack_ipv4_dhcp(const Device<NetDevice>& nic, Where where) {
  return detail::build_stack({nic}, detail::DhcpAddresses(where), {.ipv6 = false}, where);
}

}  // namespace fata::config
