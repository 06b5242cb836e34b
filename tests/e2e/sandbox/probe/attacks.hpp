// System calls that an attacker with code execution in an image would make.
#pragma once

#include <string_view>

namespace sandbox_probe {

// Makes the call and returns the kernel's result: at least 0 on success, a negative errno
// otherwise. Does not return if the sandbox ends the process. Returns kNoSuchAttack if the name is
// unknown.
long try_attack(std::string_view name);

// Starts a thread that makes the attack "thread". Call it before the sandbox is set up.
void start_thread();

inline constexpr long kNoSuchAttack = -1000000;

}  // namespace sandbox_probe
