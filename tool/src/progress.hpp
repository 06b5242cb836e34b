// Long steps: a line that changes on a terminal, plain lines otherwise. All of it goes to standard
// error, so that standard output holds only what was asked for.
#pragma once

#include <string>
#include <string_view>

#include "paths.hpp"
#include "process.hpp"

namespace fata::tool {

void say(std::string_view line);

enum class Show { kWarnings, kOnlyErrors };

// Runs one step of a build. Its output is shown if it fails (or always, with `verbose`), as `shown`
// has it: of ninja's only what the compilers said; then throws Failed{status}. The words "[3/10]"
// at the start of a line, as ninja writes them, move the progress line.
struct Step {
  std::string what;
  Words words;
  fs::path folder{};  // where it runs; empty: here
  bool verbose = false;
  Show show = Show::kOnlyErrors;
  int status = 1;
  Shown shown{};
};
void run_step(const Step& step);

}  // namespace fata::tool
