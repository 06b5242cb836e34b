// What main() tells the platform before anything runs.
#pragma once

namespace fata::host {

void set_arguments(int argc, char** argv);
// Reports fatal signals with a backtrace.
void install_crash_handlers();

}  // namespace fata::host
