#include "fata/sntp/servers.hpp"

#include "fata/base/text.hpp"

namespace fata::sntp {

namespace {
bool parse_address(std::string_view text, IpAddress& out) {
  if (const auto v4 = Ipv4Address::parse(text)) return out = *v4, true;
  const auto v6 = IpAddress::parse_v6(text);
  if (v6) out = *v6;
  return v6.has_value();
}

bool parse_server(std::string_view text, Endpoint& out) {
  out.port = kPort;
  if (parse_address(text, out.address)) return true;
  const std::size_t colon = text.rfind(':');
  std::uint64_t port = 0;
  if (colon == text.npos || !parse_unsigned(text.substr(colon + 1), 65535, port)) return false;
  out.port = static_cast<std::uint16_t>(port);
  std::string_view address = text.substr(0, colon);
  if (!address.starts_with('['))
    return port != 0 && Ipv4Address::parse(address) && parse_address(address, out.address);
  if (!address.ends_with(']')) return false;
  const auto v6 = IpAddress::parse_v6(address.substr(1, address.size() - 2));
  if (v6) out.address = *v6;
  return port != 0 && v6.has_value();
}
}  // namespace

bool Servers::push(const Endpoint& server) {
  if (count_ == items_.size()) return false;
  items_[count_++] = server;
  return true;
}

bool parse_parameter(std::string_view text, Servers& out) {
  out = {};
  if (text == "none") return true;
  for (;;) {
    const std::size_t comma = text.find(',');
    Endpoint server;
    if (!parse_server(text.substr(0, comma), server) || !out.push(server)) return false;
    if (comma == text.npos) return true;
    text.remove_prefix(comma + 1);
  }
}
std::string_view parameter_expects(const Servers&) {
  return "none, or up to 8 addresses, separated by commas, such as 10.0.0.1,[2001:db8::1]:1123";
}

}  // namespace fata::sntp
