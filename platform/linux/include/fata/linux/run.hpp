// The loop of this process, for start code and for tests on real sockets.
#pragma once

#include "fata/async/loop.hpp"

namespace fata::linux {

// Makes async::current_loop() return `loop`. Only one loop may exist at a time. Call this before
// any task is created.
void enter(async::Loop& loop);

}  // namespace fata::linux
