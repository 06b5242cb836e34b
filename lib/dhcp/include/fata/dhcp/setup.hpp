// How an image's parameter --ipv4 says where its address comes from.
#pragma once

#include <string_view>

#include "fata/base/address.hpp"

namespace fata::dhcp {

// "dhcp", or an address and its prefix.
struct Setup {
  bool dhcp = true;
  Ipv4Cidr address{};
};
bool parse_parameter(std::string_view text, Setup& out);
std::string_view parameter_expects(const Setup&);

// What a client calls itself (option 12); nothing if empty.
struct HostName {
  static constexpr std::size_t kMost = 63;
  std::string_view text{};
};
bool parse_parameter(std::string_view text, HostName& out);
std::string_view parameter_expects(const HostName&);

// What is the same for all cards of a stack.
struct Options {
  HostName host_name{};  // what it views outlives the client
  bool probe = true;     // ask the network whether an address is free before it is used (RFC 5227)
};

}  // namespace fata::dhcp
