#include "fata/dhcp/setup.hpp"

#include <algorithm>

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

bool parse_parameter(std::string_view text, HostName& out) {
  out = {text};
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  };
  return text.size() <= HostName::kMax && std::ranges::all_of(text, in_name) &&
         !text.starts_with('-') && !text.starts_with('.');
}
std::string_view parameter_expects(const HostName&) {
  return "up to 63 letters, digits, hyphens and dots";
}

}  // namespace fata::dhcp
