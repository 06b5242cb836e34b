#include "fata/config/parameter.hpp"

#include <algorithm>

#include "fata/config/context.hpp"
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

}  // namespace fata::config
