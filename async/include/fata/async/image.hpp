// The entry point of an image, written by `fata configure` (or by hand) and called by every
// platform's start code.
#pragma once

#include "fata/async/context.hpp"
#include "fata/async/task.hpp"
#include "fata/base/error.hpp"

namespace fata {

// Runs the whole image on the first core's loop and returns the exit status (0 to 126). The
// platform has set up memory, clocks, entropy and console, and cancels `context.stop` on a stop
// request. It stays a function of its own when an image is optimized as a whole, so that a debugger
// finds it.
[[gnu::used, gnu::noinline]] async::Task<int> image_main(async::Context& context);

// Called by start code once the platform is up: runs image_main on `loop` and returns the exit
// status.
int run_image(async::Loop& loop);

// Returns the exit status for a device that cannot be set up: 0 if a stop request ended the wait
// for the device. Otherwise, prints the same line as fata::cannot_set_up() and returns that
// function's status.
int cannot_set_up(const async::Context& context, std::string_view image, std::string_view what,
                  const Error& error);
int cannot_set_up(const async::Context& context, std::string_view image, std::string_view what,
                  const Error& error, std::string_view file);

}  // namespace fata
