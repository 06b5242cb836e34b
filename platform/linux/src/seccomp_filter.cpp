#include "seccomp_filter.hpp"

#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <bit>
#include <csignal>
#include <cstddef>

#include "fata/base/panic.hpp"

namespace fata::linux {

static_assert(std::endian::native == std::endian::little,
              "the lower half of an argument comes first");

namespace {

sock_filter statement(std::uint16_t code, std::uint32_t k) { return {code, 0, 0, k}; }
// Continues if the accumulator equals `k`, otherwise skips the next `otherwise` instructions.
sock_filter unless_equal(std::uint32_t k, std::size_t otherwise) {
  check(otherwise <= 255, "a jump of a filter is too long");
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, static_cast<std::uint8_t>(otherwise), k};
}
sock_filter load(std::size_t offset) {
  return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
sock_filter result(std::uint32_t action) { return statement(BPF_RET | BPF_K, action); }

constexpr std::size_t kPerCheck = 3;

bool is_free(const SystemCall& call) {
  for (const ArgumentCheck& each : call.checks)
    if (each.mask != 0) return false;
  return true;
}

// Allows the call if all conditions hold, otherwise falls through.
void add_alternative(std::vector<sock_filter>& out, const SystemCall& call) {
  std::size_t left = 1;  // instructions to skip if a condition fails
  for (const ArgumentCheck& each : call.checks)
    if (each.mask != 0) left += kPerCheck;
  for (const ArgumentCheck& each : call.checks) {
    if (each.mask == 0) continue;
    out.push_back(load(offsetof(seccomp_data, args) + std::size_t{8} * each.argument));
    out.push_back(statement(BPF_ALU | BPF_AND | BPF_K, each.mask));
    left -= kPerCheck;
    out.push_back(unless_equal(each.value, left));
  }
  out.push_back(result(SECCOMP_RET_ALLOW));
}

// All alternatives for one system call number.
std::vector<sock_filter> block_of(std::span<const SystemCall> calls, std::uint32_t number) {
  std::vector<sock_filter> block;
  for (const SystemCall& call : calls) {
    if (call.number != number) continue;
    if (is_free(call)) return {result(SECCOMP_RET_ALLOW)};
    add_alternative(block, call);
  }
  block.push_back(result(SECCOMP_RET_TRAP));
  return block;
}

}  // namespace

std::vector<sock_filter> seccomp_filter(std::span<const SystemCall> calls) {
  std::vector<sock_filter> out;
  out.push_back(load(offsetof(seccomp_data, arch)));
  out.push_back(unless_equal(kAuditArch, 1));
  out.push_back(statement(BPF_JMP | BPF_JA, 1));
  out.push_back(result(SECCOMP_RET_TRAP));
  out.push_back(load(offsetof(seccomp_data, nr)));
  std::vector<std::uint32_t> done;
  for (const SystemCall& call : calls) {
    if (std::ranges::contains(done, call.number)) continue;
    done.push_back(call.number);
    const std::vector<sock_filter> block = block_of(calls, call.number);
    out.push_back(unless_equal(call.number, block.size()));
    out.insert(out.end(), block.begin(), block.end());
  }
  out.push_back(result(SECCOMP_RET_TRAP));
  return out;
}

std::vector<SystemCall> common_calls(std::uint32_t pid) {
  // Memory never becomes executable, and no file is mapped.
  constexpr ArgumentCheck no_code{.argument = 2, .mask = PROT_EXEC, .value = 0};
  constexpr ArgumentCheck anonymous{.argument = 3, .mask = MAP_ANONYMOUS, .value = MAP_ANONYMOUS};
  return {
      // The loop.
      {SYS_epoll_pwait},
      {SYS_read},
      {SYS_write},
      {SYS_epoll_ctl},
      {SYS_ppoll},
#if defined(__x86_64__)
      {SYS_epoll_wait},
      {SYS_poll},
#endif
      {SYS_close},
      {SYS_writev},
      // Time, if the clock source cannot be read through the vDSO.
      {SYS_clock_gettime},
      {SYS_gettimeofday},
#if defined(__x86_64__)
      {SYS_time},
#endif
      {SYS_getrandom},
      // The heap.
      {SYS_brk},
      {SYS_mmap, {no_code, anonymous}},
      {SYS_mprotect, {no_code}},
      {SYS_munmap},
      {SYS_mremap},
      {SYS_madvise},
      {SYS_futex},
      // Signals, abort(), exit.
      {SYS_rt_sigreturn},
      {SYS_rt_sigprocmask},
      {SYS_rt_sigaction, {argument_is(0, SIGABRT)}},  // the SIGSYS handler cannot be replaced
      {SYS_restart_syscall},
      {SYS_getpid},
      {SYS_gettid},
      {SYS_tgkill, {argument_is(0, pid)}},
      {SYS_exit},
      {SYS_exit_group},
  };
}

}  // namespace fata::linux
