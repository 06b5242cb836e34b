#include "fata/dhcp/setup.hpp"

namespace fata::dhcp {

bool parse_parameter(std::string_view text, Setup& out) {
  out = {};
  if (text == "dhcp") return true;
  const auto cidr = Ipv4Cidr::parse(text);
  if (!cidr) return false;
  out = {false, *cidr};
  return true;
}
std::string_view parameter_expects(const Setup&) {
  return "dhcp, or an IPv4 address and prefix length such as 10.0.0.2/24";
}

}  // namespace fata::dhcp
