// The value of an image's parameter --ipv4.
#pragma once

#include <string_view>

#include "fata/base/address.hpp"

namespace fata::dhcp {

// "dhcp", or an address and its prefix length.
struct Setup {
  bool dhcp = true;
  Ipv4Cidr address{};
};
bool parse_parameter(std::string_view text, Setup& out);
std::string_view parameter_expects(const Setup&);

// The client's host name (option 12); empty: none.
struct HostName {
  static constexpr std::size_t kMax = 63;
  std::string_view text{};
};
bool parse_parameter(std::string_view text, HostName& out);
std::string_view parameter_expects(const HostName&);

// Common to all interfaces of a stack.
struct Options {
  HostName host_name{};  // its text must outlive the client
  bool probe = true;     // probe the network before an address is used (RFC 5227)
};

}  // namespace fata::dhcp
