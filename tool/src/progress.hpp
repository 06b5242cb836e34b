// Long steps: a changing line on a terminal, plain lines otherwise. All of it goes to standard
// error, so that standard output holds only the requested output.
#pragma once

#include <string>
#include <string_view>

#include "paths.hpp"
#include "process.hpp"

namespace fata::tool {

void say(std::string_view line);

enum class Show { kWarnings, kOnlyErrors };

// Runs one step of a build. With `verbose`, its output passes unchanged. Otherwise the output is
// shown only if the step fails (with Show::kWarnings always), rewritten by `shown`; of ninja's
// output, only the compilers' part is shown. A failed step throws Failed: `status`, or 128 +
// signal. Ninja's "[3/10]" at the start of a line updates the progress line.
struct Step {
  std::string what;
  Words words;
  fs::path folder{};  // the working folder; empty: the current one
  bool verbose = false;
  Show show = Show::kOnlyErrors;
  int status = 1;
  Shown shown{};
};
void run_step(const Step& step);

}  // namespace fata::tool
