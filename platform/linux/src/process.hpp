// What main() tells the platform before anything runs.
#pragma once

#include <string_view>

namespace fata::host {

void set_arguments(int argc, char** argv);
// Reports fatal signals with a backtrace.
void install_crash_handlers();
// Ends the process: the line, a backtrace, status 125. Safe in a handler of a signal.
[[noreturn]] void die(std::string_view line);

}  // namespace fata::host
