// The entry of an image, written by `fata configure` (or by hand) and called by every platform's
// start code.
#pragma once

#include "fata/async/context.hpp"
#include "fata/async/task.hpp"
#include "fata/base/error.hpp"

namespace fata {

// Runs the whole image on the loop of the first core; its value is the exit status (0 to 126). The
// platform has set up memory, clocks, entropy and console, and cancels `context.stop` when asked to
// stop.
async::Task<int> image_main(async::Context& context);

// What start code calls once the platform is up: runs image_main on `loop`, gives the exit status.
int run_image(async::Loop& loop);

// The exit status where a device could not be set up: 0 if the image was asked to stop meanwhile,
// which ended the wait for it; else that of cannot_set_up(), after its line.
int cannot_set_up(const async::Context& context, std::string_view image, std::string_view what,
                  const Error& error);
int cannot_set_up(const async::Context& context, std::string_view image, std::string_view what,
                  const Error& error, std::string_view file);

}  // namespace fata
