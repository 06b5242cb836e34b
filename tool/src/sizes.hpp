// The contents of an image, by section and by library.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "project.hpp"

namespace fata::tool {

struct Sizes {
  std::uint64_t stripped = 0;  // bytes of the shipped file
  std::uint64_t unpacked = 0;  // bytes of a packed kernel after unpacking, otherwise the same
  // The loaded sections, in order of address.
  std::vector<std::pair<std::string, std::uint64_t>> sections;
  // Largest first; "(linker)" is data that the linker created itself.
  std::vector<std::pair<std::string, std::uint64_t>> libraries;
};

Sizes measure(const Project& project);

}  // namespace fata::tool
