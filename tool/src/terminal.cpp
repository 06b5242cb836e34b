#include "terminal.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace fata::tool {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

}  // namespace

bool has_moving_cursor() { return ::isatty(2) == 1 && environment("TERM") != "dumb"; }

bool wants_colour() {
  if (!environment("NO_COLOR").empty()) return false;
  if (const std::string_view forced = environment("CLICOLOR_FORCE");
      !forced.empty() && forced != "0")
    return true;
  return has_moving_cursor();
}

std::string without_colour(const std::string& line) {
  std::string out;
  for (std::size_t at = 0; at < line.size();) {
    if (line.compare(at, 2, "\033[") != 0) {
      out += line[at++];
      continue;
    }
    at += 2;
    while (at < line.size() && (line[at] < 0x40 || line[at] > 0x7e))
      ++at;  // parameters, then one final byte
    ++at;
  }
  return out;
}

}  // namespace fata::tool
