#include "fata/sntp/servers.hpp"

#include <algorithm>

namespace fata::sntp {

namespace {
bool parse_address(std::string_view text, IpAddress& out) {
  if (const auto v4 = Ipv4Address::parse(text)) return out = *v4, true;
  const auto v6 = IpAddress::parse_v6(text);
  if (v6) out = *v6;
  return v6.has_value();
}
}  // namespace

bool Servers::push(const IpAddress& server) {
  if (count_ == items_.size() || std::ranges::contains(all(), server)) return false;
  items_[count_++] = server;
  return true;
}

bool parse_parameter(std::string_view text, Servers& out) {
  out = {};
  if (text == "none") return true;
  for (;;) {
    const std::size_t comma = text.find(',');
    IpAddress server;
    if (!parse_address(text.substr(0, comma), server) || !out.push(server)) return false;
    if (comma == text.npos) return true;
    text.remove_prefix(comma + 1);
  }
}
std::string_view parameter_expects(const Servers&) {
  return "none, or up to 8 different addresses, separated by commas, such as 10.0.0.1,2001:db8::1";
}

}  // namespace fata::sntp
