// The loop of this process, for start code and for tests on real sockets.
#pragma once

#include "fata/async/loop.hpp"

namespace fata::host {

// Makes `loop` what async::current_loop() gives; one at a time, before any task is made.
void enter(async::Loop& loop);

}  // namespace fata::host
