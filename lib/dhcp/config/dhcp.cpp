#include "fata/config/dhcp.hpp"

namespace fata::config {

detail::AddressSource detail::dhcp_addresses(Where where) {
  return {.library = "dhcp",
          .called = "dhcp, or an IPv4 address and prefix length",
          .gateway_help = "IPv4 gateway of a static address",
          .ipv4 =
              [where](std::string_view name, std::size_t, std::string_view help) {
                return to_argument(parameter(name, Ipv4Setup{"dhcp"}, help, where));
              },
          .options = {to_argument(parameter("hostname", HostName{""},
                                            "what to call oneself towards a DHCP server", where)),
                      to_argument(parameter(
                          "dhcp-probe", true,
                          "first check that no other machine uses the address; takes 4 to 7 s",
                          where))},
          .random = true};
}

namespace {
Stack with_dhcp(bool ipv6, const Device<NetDevice>& card, Where where) {
  return detail::members(detail::StackMaker(ipv6, detail::dhcp_addresses(where), where).on(card),
                         where);
}
}  // namespace

Stack stack_dhcp(const Device<NetDevice>& card, Where where) {
  return with_dhcp(true, card, where);
}
Stack stack_ipv4_dhcp(const Device<NetDevice>& card, Where where) {
  return with_dhcp(false, card, where);
}

}  // namespace fata::config
