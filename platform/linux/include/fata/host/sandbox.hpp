// A sandbox around the process. Once the devices are set up, the kernel refuses what none of them
// needs: landlock the opening of files, a seccomp filter all other system calls.
//
// A device states its needs by a member `SandboxNeeds sandbox_needs() const`; one without needs
// nothing but what every process needs. What is allowed to whom: docs/sandbox.md.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "fata/async/context.hpp"

namespace fata::host {

// A condition on an argument: (argument & mask) == value, of its lower 32 bits.
struct ArgumentCheck {
  std::uint8_t argument = 0;  // 0 to 5
  std::uint32_t mask = 0;     // 0: no condition
  std::uint32_t value = 0;
};
constexpr ArgumentCheck argument_is(std::uint8_t argument, std::uint32_t value) {
  return {argument, 0xffffffff, value};
}

// A system call that is allowed if all of the conditions hold. Of several with one number, one
// must fit.
struct SystemCall {
  std::uint32_t number = 0;
  std::array<ArgumentCheck, 3> checks{};
};

struct SandboxNeeds {
  std::string_view device{};  // as messages name it; static text
  std::vector<SystemCall> calls{};
  std::vector<int> folders{};  // open folders, below which files are read
  bool binds_tcp = false;      // listens on ports of TCP
  bool connects_tcp = false;
};

// Of a C library, by what config.cpp declares.
SandboxNeeds needs_of_calls(std::string_view name, std::initializer_list<std::uint32_t> numbers);
// Of a device, with what config.cpp declares for it.
template <class Device>
SandboxNeeds needs_of(std::string_view name, const Device& device,
                      std::initializer_list<std::uint32_t> declared = {}) {
  SandboxNeeds needs = needs_of_calls(name, declared);
  if constexpr (requires { device.sandbox_needs(); }) {
    SandboxNeeds own = device.sandbox_needs();
    own.device = name;
    own.calls.insert(own.calls.end(), needs.calls.begin(), needs.calls.end());
    return own;
  }
  return needs;
}

// Confines the process, all of its threads, for the rest of its life. A call that is not allowed
// then ends it with one line that names the call, a backtrace, and status 125. Where the kernel has
// no seccomp or refuses it, and in sanitized builds, whose runtimes do as they like, one line of
// the log says so and the process goes on.
void enter_sandbox(const async::Context& context, std::span<const SandboxNeeds> needs);

}  // namespace fata::host
