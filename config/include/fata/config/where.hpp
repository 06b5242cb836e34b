// Locations in config.cpp, as messages print them.
#pragma once

#include <source_location>
#include <string>

namespace fata::config {

using Where = std::source_location;

// "config.cpp:12: "
inline std::string at(const Where& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": ";
}

}  // namespace fata::config
