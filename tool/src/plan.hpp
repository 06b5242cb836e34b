// The plan written by a config program.
#pragma once

#include <fata/plan/plan.hpp>
#include <string>
#include <string_view>

#include "process.hpp"

namespace fata::tool {

using plan::Form;
using plan::Plan;

// Throws UsageError if the file holds no plan.
Plan read_plan(const fs::path& file);

// "ipv4-gateway" -> "ipv4_gateway"
std::string identifier(std::string_view parameter);

}  // namespace fata::tool
