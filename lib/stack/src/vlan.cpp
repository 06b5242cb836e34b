#include "fata/stack/vlan.hpp"

#include "fata/base/parameters.hpp"

namespace fata::stack {

bool parse_parameter(std::string_view text, Vlan& out) {
  out = {};
  if (text == "none") return true;
  // VLAN 0 marks frames with only a priority; 4095 is reserved.
  return fata::parse_parameter(text, out.id) && out.id != 0 && out.id <= 4094;
}
std::string_view parameter_expects(const Vlan&) { return "none or a VLAN from 1 to 4094"; }

}  // namespace fata::stack
