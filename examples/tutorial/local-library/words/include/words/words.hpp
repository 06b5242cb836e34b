#pragma once

#include <cstddef>
#include <string_view>

namespace words {

// The number of words, separated by spaces.
std::size_t count(std::string_view text);

}  // namespace words
