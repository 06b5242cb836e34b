// The main of an image that `fata run -t sim` runs: one image in a simulator, with nothing else on
// its network.
#pragma once

#include "fata/sim/simulator.hpp"

namespace fata::sim {

// The words of the command line: [--seed=NUMBER] [--for=TIME] [-- PARAMETERS...]. Runs until the
// image ends, until it waits for something that cannot happen, or for that much simulated time (an
// hour), and prints a line in the latter two cases. Its console goes to standard output, its log to
// standard error, its captures into files. SIGINT and SIGTERM request a stop; the second one kills.
// Returns the status of the process: the image's, 125 after a panic, 64 for words that are not as
// above or a capture that cannot be written, or 0.
int run_alone(const Main& image, int count, char** words);

}  // namespace fata::sim
