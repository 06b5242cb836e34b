// Names as messages and generated code use them.
#pragma once

#include <algorithm>
#include <string_view>

namespace fata::config {

// A lower-case letter, then lower-case letters, digits and hyphens.
inline bool is_word(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace fata::config
