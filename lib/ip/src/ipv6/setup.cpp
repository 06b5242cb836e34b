#include "fata/ip/ipv6/setup.hpp"

namespace fata::ip::ipv6 {

bool parse_parameter(std::string_view text, Setup& out) {
  out = {text == "none" ? Setup::Mode::kNone : Setup::Mode::kAuto};
  if (text == "none" || text == "auto") return true;
  const auto cidr = Ipv6Cidr::parse(text);
  if (!cidr || cidr->prefix == 0 || cidr->address.is_any() || cidr->address.is_multicast())
    return false;
  out = {Setup::Mode::kStatic, *cidr};
  return true;
}
std::string_view parameter_expects(const Setup&) {
  return "auto, none, or an IPv6 address and prefix length such as 2001:db8::2/64";
}

bool parse_parameter(std::string_view text, Gateway& out) {
  out = {};
  if (text == "none") return true;
  const auto address = IpAddress::parse_v6(text);
  if (!address || address->is_any() || address->is_multicast()) return false;
  out.address = *address;
  return true;
}
std::string_view parameter_expects(const Gateway&) { return "none or an IPv6 address"; }

}  // namespace fata::ip::ipv6
