// Landlock: the files and ports that a process may still open, whatever system calls it makes.
#pragma once

#include <span>

#include "fata/base/result.hpp"
#include "fata/linux/sandbox.hpp"

namespace fata::linux {

// Restricts the calling thread to reading below the folders of `needs`, and to binding and
// connecting TCP only if a device needs it. Returns false if this kernel has no landlock.
Result<bool> enter_landlock(std::span<const SandboxNeeds> needs);

}  // namespace fata::linux
