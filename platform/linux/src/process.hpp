// The parts of the platform that main() sets up before anything else runs.
#pragma once

#include <string_view>

namespace fata::linux {

void set_arguments(int argc, char** argv);
// Reports fatal signals with a backtrace.
void install_crash_handlers();
// Ends the process: prints the line and a backtrace, and exits with status 125. Safe in a signal
// handler.
[[noreturn]] void die(std::string_view line);

}  // namespace fata::linux
