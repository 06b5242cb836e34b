// The value of an image's parameter --ntp-servers.
#pragma once

#include <array>
#include <string_view>

#include "fata/base/address.hpp"
#include "fata/sntp/client.hpp"

namespace fata::sntp {

// "none", or up to 8 different IPv4 or IPv6 addresses, separated by commas.
class Servers {
 public:
  std::span<const IpAddress> all() const { return std::span(items_).first(count_); }
  // False if there is no room, or if it is in the list: its vote would count twice.
  bool push(const IpAddress& server);

 private:
  std::array<IpAddress, Client::kMaxServers> items_{};
  std::size_t count_ = 0;
};
bool parse_parameter(std::string_view text, Servers& out);
std::string_view parameter_expects(const Servers&);

}  // namespace fata::sntp
