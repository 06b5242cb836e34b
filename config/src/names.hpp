// Names and locations as they appear in messages and generated code.
#pragma once

#include <algorithm>
#include <source_location>
#include <string>
#include <string_view>

namespace fata::config {

inline std::string at(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": ";
}

// A lower-case letter, then lower-case letters, digits and hyphens.
inline bool is_word(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace fata::config
