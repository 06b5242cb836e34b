#include "fata/config/parameter.hpp"

#include "fata/config/context.hpp"
#include "fata/config/where.hpp"
#include "names.hpp"

namespace fata::config {

std::shared_ptr<const ParameterSpec> make_parameter(ParameterSpec spec) {
  if (!is_word(spec.name) || spec.name == "help" || spec.name.starts_with("no-") ||
      spec.name.size() > 31) {
    throw ConfigError(
        at(spec.where) + "'" + spec.name +
        "' cannot be a parameter's name: up to 31 lower case letters, digits and hyphens, not "
        "help, not no-...");
  }
  return std::make_shared<const ParameterSpec>(std::move(spec));
}

std::string numbered(std::string_view name, std::size_t number) {
  return std::string(name) + (number == 0 ? "" : "-" + std::to_string(number));
}

}  // namespace fata::config
