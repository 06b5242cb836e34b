// The VLAN of an interface (IEEE 802.1Q) as a parameter.
#pragma once

#include <cstdint>
#include <string_view>

namespace fata::stack {

// "none", or 1 to 4094. Frames of other VLANs are not received. Sent frames carry the tag with
// priority 0.
struct Vlan {
  std::uint16_t id = 0;  // 0: none
};
bool parse_parameter(std::string_view text, Vlan& out);
std::string_view parameter_expects(const Vlan&);

}  // namespace fata::stack
