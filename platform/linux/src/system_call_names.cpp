#include "system_call_names.hpp"

#include "system_call_table.hpp"

namespace fata::linux {

std::string_view system_call_name(std::uint32_t number) noexcept {
  for (const SystemCallName& each : kSystemCallNames)
    if (each.number == number) return each.name;
  return {};
}

}  // namespace fata::linux
