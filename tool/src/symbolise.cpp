#include "symbolise.hpp"

#include <algorithm>
#include <sstream>

namespace fata::tool {

void Symboliser::show(std::string_view output) {
  while (!output.empty()) {
    const std::size_t end = std::min(output.find('\n'), output.size() - 1) + 1;
    write_all(1, output.substr(0, end));
    write_all(1, feed(output.substr(0, end)));
    output.remove_prefix(end);
  }
}

std::string Symboliser::feed(std::string_view output) {
  std::string added;
  for (const char c : output) {
    if (c != '\n') {
      if (line_.size() < 1024) line_ += c;
      continue;
    }
    added += places_of(line_);
    line_.clear();
  }
  return added;
}

std::string Symboliser::places_of(const std::string& line) const {
  // Other lines name code by its address at run time, which the .elf file does not know.
  if (!line.starts_with("  #") || line.find("(image+0x") == line.npos) return {};
  const std::size_t number = line.find("0x");
  const std::string address =
      line.substr(number, line.find_first_not_of("0123456789abcdefx", number) - number);
  const Outcome outcome = capture(
      {"llvm-symbolizer-19", "--obj=" + elf_.string(), "--pretty-print", "--demangle", address});
  if (outcome.status != 0) return {};
  std::istringstream lines(outcome.output);
  std::string text;
  for (std::string place; std::getline(lines, place);) {
    if (!place.empty() && !place.starts_with("??")) text += "      " + shown_.line(place) + '\n';
  }
  return text;
}

}  // namespace fata::tool
