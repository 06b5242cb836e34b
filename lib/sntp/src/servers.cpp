#include "fata/sntp/servers.hpp"

#include <algorithm>

namespace fata::sntp {

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
    const auto server = IpAddress::parse(text.substr(0, comma));
    if (!server || !out.push(*server)) return false;
    if (comma == text.npos) return true;
    text.remove_prefix(comma + 1);
  }
}
std::string_view parameter_expects(const Servers&) {
  return "none, or up to 8 different addresses, separated by commas, such as 10.0.0.1,2001:db8::1";
}

}  // namespace fata::sntp
