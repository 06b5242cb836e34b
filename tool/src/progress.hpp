// Long steps: a line that changes on a terminal, plain lines otherwise. All of it goes to standard error, so
// that standard output holds only what was asked for.
#pragma once

#include <string>
#include <string_view>

#include "process.hpp"

namespace fata::tool {

void say(std::string_view line);

enum class Show { kWarnings, kOnlyErrors };

// Runs one step of a build. Its output is shown if it fails (or always, with `verbose`); then throws
// Failed{status}. The words "[3/10]" at the start of a line, as ninja writes them, move the progress line.
void run_step(std::string_view what, const Words& words, const fs::path& folder, bool verbose,
              Show show = Show::kOnlyErrors, int status = 1);

}  // namespace fata::tool
