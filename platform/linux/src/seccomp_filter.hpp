// The seccomp filter for a list of system calls, as a value that the kernel and tests can run.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>

#include <span>
#include <vector>

#include "fata/linux/sandbox.hpp"

namespace fata::linux {

#if defined(__x86_64__)
inline constexpr std::uint32_t kAuditArch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
inline constexpr std::uint32_t kAuditArch = AUDIT_ARCH_AARCH64;
#else
#error "which AUDIT_ARCH_ is this processor's?"
#endif

// The calls that every process needs, whatever its devices: memory, time, waiting, the console,
// open descriptors, exit. `pid` is the process's own ID; the process may not signal others.
std::vector<SystemCall> common_calls(std::uint32_t pid);

// Allows `calls` and traps (SIGSYS) everything else, including calls of other architectures.
// Earlier entries are matched first.
std::vector<sock_filter> seccomp_filter(std::span<const SystemCall> calls);

}  // namespace fata::linux
