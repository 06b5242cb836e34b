#include "plan.hpp"

#include <fata/plan/keywords.hpp>

#include <algorithm>

#include "error.hpp"

namespace fata::tool {

Plan read_plan(const fs::path& file) try {
  return plan::from_json(read_file(file));
} catch (const plan::Invalid& error) {
  throw UsageError(file.string() + ": " + error.what() + "; run `fata clean` and try again");
}

std::string identifier(std::string_view parameter) {
  std::string name(parameter);
  std::ranges::replace(name, '-', '_');
  return plan::is_keyword(name) ? name + "_" : name;
}

}  // namespace fata::tool
