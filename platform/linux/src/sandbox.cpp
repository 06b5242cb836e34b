#include "fata/linux/sandbox.hpp"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

#include "fata/base/text.hpp"
#include "fata/linux/os_error.hpp"
#include "landlock.hpp"
#include "process.hpp"
#include "seccomp_filter.hpp"
#include "system_call_names.hpp"

namespace fata::linux {

SandboxNeeds needs_of_calls(std::string_view name, std::initializer_list<std::uint32_t> numbers) {
  SandboxNeeds needs{.device = name};
  for (const std::uint32_t number : numbers) needs.calls.push_back({number});
  return needs;
}

namespace {

constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||
                            __has_feature(memory_sanitizer);

// The needs of the devices, then of the process itself, for the SIGSYS handler, which only reads
// them. Allocated once and never freed.
const std::vector<SandboxNeeds>* g_needs = nullptr;

bool names(const SandboxNeeds& needs, std::uint32_t number) {
  return std::ranges::any_of(needs.calls,
                             [&](const SystemCall& call) { return call.number == number; });
}

// Example: "the system call connect is needed by no device of this image (the host's UDP,
// fata::dns::Server)".
void put_denied(TextWriter& out, std::uint32_t number) {
  const std::string_view name = system_call_name(number);
  out.put("the system call ");
  if (name.empty())
    print(out, number);
  else
    out.put(name);
  for (const SandboxNeeds& each : *g_needs) {
    if (!names(each, number)) continue;
    print(out, " with these arguments is not what ", each.device, " needs it for");
    return;
  }
  out.put(" is needed by no device of this image (");
  for (const SandboxNeeds& each : std::span(*g_needs).first(g_needs->size() - 1)) {
    if (&each != &g_needs->front()) out.put(", ");
    out.put(each.device);
  }
  out.put(")");
}

extern "C" void on_denied(int, siginfo_t* info, void*) {
  constexpr int kFromFilter = 1;  // SYS_SECCOMP, which the C library's header lacks
  Text<600> line(std::in_place, "sandbox: ");
  if (info->si_code != kFromFilter) {
    line.put("signal SIGSYS from outside");
  } else if (info->si_arch != kAuditArch) {
    print(line, "a system call of another processor's numbering, ",
          static_cast<std::uint32_t>(info->si_syscall));
  } else {
    put_denied(line, static_cast<std::uint32_t>(info->si_syscall));
  }
  line.put("\n");
  die(line.view());
}

void install_handler() {
  struct sigaction action{};
  action.sa_sigaction = on_denied;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGSYS, &action, nullptr);
  sigset_t denied;  // the parent process may have blocked it
  sigemptyset(&denied);
  sigaddset(&denied, SIGSYS);
  ::sigprocmask(SIG_UNBLOCK, &denied, nullptr);
}

// Sets stdout's buffer. Otherwise, stdio would call stat on standard output when a C library prints
// its first line.
void prepare_stdio() {
  static std::array<char, BUFSIZ> buffer;
  std::setvbuf(stdout, buffer.data(), ::isatty(STDOUT_FILENO) == 1 ? _IOLBF : _IOFBF,
               buffer.size());
}

// Installs the filter for all threads. Without the speculation flag, kernels before 5.16 slow the
// process down.
Result<void> install(std::span<sock_filter> filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  long outcome = -1;
  for (const unsigned long more : {SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0UL}) {
    outcome =
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | more, &program);
    if (outcome == 0) return {};
    if (outcome > 0) return os_fail(EBUSY);  // the thread with this ID has its own filter
    if (errno != EINVAL) break;
  }
  return os_fail();
}

// The devices' calls come first, so that the calls of every turn are matched early.
std::vector<SystemCall> calls_of(std::span<const SandboxNeeds> needs) {
  std::vector<SystemCall> calls;
  for (const SandboxNeeds& each : needs)
    calls.insert(calls.end(), each.calls.begin(), each.calls.end());
  return calls;
}

}  // namespace

void enter_sandbox(const async::Context& context, std::span<const SandboxNeeds> needs) {
  const Logger log = context.logger("sandbox");
  if (kSanitized) {
    log.info("none in a sanitized build: its runtime opens files and starts processes of its own");
    return;
  }
  auto* const all = new std::vector<SandboxNeeds>(needs.begin(), needs.end());
  g_needs = all;
  std::vector<SystemCall> calls = calls_of(*all);
  all->push_back(
      {.device = "the process", .calls = common_calls(static_cast<std::uint32_t>(::getpid()))});
  calls.insert(calls.end(), all->back().calls.begin(), all->back().calls.end());
  std::vector<sock_filter> filter = seccomp_filter(calls);
  prepare_stdio();
  install_handler();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    log.warning("none: this kernel does not let a process give up privileges: ", os_error());
    return;
  }
  const Result<bool> landlocked = enter_landlock(*all);
  if (!landlocked) log.warning("landlock is refused: ", landlocked.error());
  if (const Result<void> installed = install(filter); !installed) {
    log.warning("this kernel refuses seccomp, so all system calls stay allowed: ",
                installed.error());
    return;
  }
  log.debug(filter.size(), " instructions; ",
            landlocked && *landlocked ? "landlock, too" : "no landlock in this kernel");
}

}  // namespace fata::linux
