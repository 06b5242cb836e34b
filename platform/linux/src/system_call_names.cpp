#include "system_call_names.hpp"

namespace fata::host {

namespace {
struct Name {
  std::uint32_t number;
  std::string_view name;
};
constexpr Name kNames[] = {
#include "system_call_names.inc"
};
}  // namespace

std::string_view system_call_name(std::uint32_t number) noexcept {
  for (const Name& each : kNames)
    if (each.number == number) return each.name;
  return {};
}

}  // namespace fata::host
