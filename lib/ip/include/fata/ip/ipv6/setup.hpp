// IPv6 configuration from an image's parameters.
#pragma once

#include <string_view>

#include "fata/base/address.hpp"

namespace fata::ip::ipv6 {

// "auto": from router advertisements; "none"; or an address with its prefix length,
// "2001:db8::2/64".
struct Setup {
  enum class Mode : std::uint8_t { kNone, kAuto, kStatic };
  Mode mode = Mode::kAuto;
  Ipv6Cidr address{};
};
bool parse_parameter(std::string_view text, Setup& out);
std::string_view parameter_expects(const Setup&);

// "none" (from router advertisements, if any) or an address.
struct Gateway {
  IpAddress address{};
};
bool parse_parameter(std::string_view text, Gateway& out);
std::string_view parameter_expects(const Gateway&);

}  // namespace fata::ip::ipv6
