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

}  // namespace fata::dhcp
