// Landlock: what files and ports a process may still open, whatever system calls it makes.
#pragma once

#include <span>

#include "fata/base/result.hpp"
#include "fata/host/sandbox.hpp"

namespace fata::host {

// Leaves the calling thread nothing to open but what lies below the folders of `needs`, for
// reading, and no ports of TCP but those of devices that bind or connect. False: this kernel has no
// landlock.
Result<bool> enter_landlock(std::span<const SandboxNeeds> needs);

}  // namespace fata::host
