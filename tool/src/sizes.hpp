// What an image is made of, by section and by library.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "project.hpp"

namespace fata::tool {

struct Sizes {
  std::uint64_t stripped = 0;  // bytes of the file that is shipped
  std::uint64_t unpacked = 0;  // of a packed kernel once unpacked, else the same
  // Those that are loaded, in order of address.
  std::vector<std::pair<std::string, std::uint64_t>> sections;
  std::vector<std::pair<std::string, std::uint64_t>>
      libraries;  // largest first; what the linker made itself is "(linker)"
};

Sizes measure(const Project& project);

}  // namespace fata::tool
