// Ends the process after a bug: prints one line and a backtrace, and exits with status 125.
#include "fata/base/panic.hpp"

#include <execinfo.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "console.hpp"
#include "fata/base/text.hpp"
#include "process.hpp"

namespace fata {

namespace linux {
namespace {

constexpr int kCrashStatus = 125;

void write_all(std::string_view text) { (void)!::write(2, text.data(), text.size()); }

extern "C" void on_crash(int signal, siginfo_t* info, void*) {
  Text<200> line(std::in_place, "fatal: ", std::string_view(::sigdescr_np(signal)), " at address ",
                 Hex{reinterpret_cast<std::uintptr_t>(info->si_addr)}, '\n');
  die(line.view());
}

alignas(16) std::array<char, 64 * 1024> g_crash_stack;

}  // namespace

[[noreturn]] void die(std::string_view line) {
  console().flush();
  write_all(line);
  std::array<void*, 64> frames;
  const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  ::backtrace_symbols_fd(frames.data(), count, 2);
  ::_exit(kCrashStatus);
}

void install_crash_handlers() {
  // The first call loads libgcc, which a signal handler must not do.
  std::array<void*, 1> frame;
  ::backtrace(frame.data(), 1);
  stack_t stack{};
  stack.ss_sp = g_crash_stack.data();
  stack.ss_size = g_crash_stack.size();
  ::sigaltstack(&stack, nullptr);
  struct sigaction action{};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
    ::sigaction(signal, &action, nullptr);
}

}  // namespace linux

[[noreturn]] void panic(std::string_view what, const char* file, unsigned line) noexcept {
  Text<400> text(std::in_place, "panic: ", what, " at ", file, ':', line, '\n');
  linux::die(text.view());
}

}  // namespace fata
