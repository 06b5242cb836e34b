// System calls that an attacker who runs code in an image would make.
#pragma once

#include <string_view>

namespace sandbox_probe {

// Makes the call and returns what the kernel answers: at least 0 if it was done, a negative errno
// otherwise. Does not return if the sandbox ends the process. -1000000 if there is no such attack.
long try_attack(std::string_view name);

// Starts a thread; what "thread" tries happens in it. To be called before there is a sandbox.
void start_thread();

inline constexpr long kNoSuchAttack = -1000000;

}  // namespace sandbox_probe
