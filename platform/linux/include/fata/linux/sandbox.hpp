// A sandbox around the process. Once the devices are set up, the kernel refuses everything that no
// device needs: landlock restricts opening files and TCP ports, a seccomp filter restricts all
// system calls.
//
// A device declares its needs with a member `SandboxNeeds sandbox_needs() const`. A device without
// one needs only what every process needs. docs/sandbox.md lists what each device may do.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "fata/async/context.hpp"

#ifdef linux
#error "gnu++ dialects define the macro linux: compile with -std=c++23"
#endif

namespace fata::linux {

// A condition on the lower 32 bits of an argument: (argument & mask) == value.
struct ArgumentCheck {
  std::uint8_t argument = 0;  // 0 to 5
  std::uint32_t mask = 0;     // 0: no condition
  std::uint32_t value = 0;
};
constexpr ArgumentCheck argument_is(std::uint8_t argument, std::uint32_t value) {
  return {argument, 0xffffffff, value};
}

// A system call that is allowed if all its conditions hold. If a list has several entries for one
// number, one match is enough.
struct SystemCall {
  std::uint32_t number = 0;
  std::array<ArgumentCheck, 3> checks{};
};

struct SandboxNeeds {
  std::string_view device{};  // its name in messages; static text
  std::vector<SystemCall> calls{};
  std::vector<int> folders{};  // open folders; files below them may be read
  bool binds_tcp = false;      // listens on TCP ports
  bool connects_tcp = false;
};

// The needs of a C library, from its declaration in config.cpp.
SandboxNeeds needs_of_calls(std::string_view name, std::initializer_list<std::uint32_t> numbers);
// The needs of a device, together with those that config.cpp declares for it.
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

// Confines the process, with all its threads, for the rest of its life. A forbidden system call
// then ends the process with one line that names the call, a backtrace, and status 125. If the
// kernel lacks or refuses seccomp, and in sanitized builds, whose runtime makes additional system
// calls, the log reports this in one line and the process continues.
void enter_sandbox(const async::Context& context, std::span<const SandboxNeeds> needs);

}  // namespace fata::linux
