// Runs the filter in a small interpreter, so that sanitizers work and this test is not confined.
#include "../src/seccomp_filter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <csignal>
#include <cstring>

namespace fata::linux {
namespace {

// Interprets the part of classic BPF that the filter uses. A program that the kernel would refuse
// fails the test.
std::uint32_t run(std::span<const sock_filter> filter, const seccomp_data& data) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < filter.size(); ++at) {
    const sock_filter& each = filter[at];
    switch (each.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        EXPECT_LE(each.k + 4, sizeof data);
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + each.k, 4);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= each.k;
        break;
      case BPF_JMP | BPF_JA:
        at += each.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += accumulator == each.k ? each.jt : each.jf;
        break;
      case BPF_RET | BPF_K:
        return each.k;
      default:
        ADD_FAILURE() << "instruction " << each.code;
    }
  }
  ADD_FAILURE() << "a filter without an end";
  return 0;
}

bool allows(std::span<const SystemCall> calls, std::uint32_t number,
            std::array<std::uint64_t, 6> arguments = {}, std::uint32_t arch = kAuditArch) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = arch;
  std::ranges::copy(arguments, data.args);
  const std::vector<sock_filter> filter = seccomp_filter(calls);
  EXPECT_LE(filter.size(), std::size_t{BPF_MAXINSNS});
  const std::uint32_t action = run(filter, data);
  EXPECT_THAT(action, testing::AnyOf(SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP));
  return action == SECCOMP_RET_ALLOW;
}

TEST(SeccompFilter, AllowsWhatIsListedAndNothingElse) {
  const std::array<SystemCall, 2> calls{SystemCall{3}, SystemCall{7}};
  for (std::uint32_t number = 0; number < 600; ++number)
    EXPECT_EQ(allows(calls, number), number == 3 || number == 7) << number;
  EXPECT_FALSE(allows({}, 3));
}

TEST(SeccompFilter, AllowsAnotherNumberingNothing) {
  const std::array<SystemCall, 1> calls{SystemCall{3}};
  EXPECT_FALSE(allows(calls, 3, {}, AUDIT_ARCH_I386));
  EXPECT_FALSE(allows(calls, 3, {}, AUDIT_ARCH_ARM));
  EXPECT_FALSE(allows(calls, 3 | 0x40000000));  // x32, which reports the architecture of x86-64
  EXPECT_FALSE(allows(calls, 0xffffffff));
}

TEST(SeccompFilter, WantsAllConditionsOfOneAlternative) {
  const std::array<SystemCall, 4> calls{
      SystemCall{5, {argument_is(0, 1), argument_is(2, 30)}},
      SystemCall{6},
      SystemCall{5, {argument_is(0, 2), argument_is(1, 20), argument_is(5, 50)}},
      SystemCall{8, {ArgumentCheck{3, 0x6, 0x2}}},
  };
  EXPECT_TRUE(allows(calls, 5, {1, 99, 30}));
  EXPECT_TRUE(allows(calls, 5, {2, 20, 0, 0, 0, 50}));
  EXPECT_FALSE(allows(calls, 5, {1, 20, 0, 0, 0, 50}));
  EXPECT_FALSE(allows(calls, 5, {2, 20, 30, 0, 0, 0}));
  EXPECT_FALSE(allows(calls, 5));
  EXPECT_TRUE(allows(calls, 6));
  EXPECT_TRUE(allows(calls, 8, {0, 0, 0, 0xfa}));
  EXPECT_FALSE(allows(calls, 8, {0, 0, 0, 0x6}));
  EXPECT_FALSE(allows(calls, 8, {0, 0, 0, 0x4}));
}

TEST(SeccompFilter, ReadsAnArgumentAsTheKernelDoesItsLowerHalf) {
  const std::array<SystemCall, 1> calls{SystemCall{5, {argument_is(0, 7)}}};
  EXPECT_TRUE(allows(calls, 5, {0xabcd'0000'0007}));
  EXPECT_FALSE(allows(calls, 5, {0x7'0000'0000}));
}

TEST(SeccompFilter, OneAlternativeWithoutConditionsMakesTheOthersIdle) {
  const std::array<SystemCall, 2> calls{SystemCall{5, {argument_is(0, 1)}}, SystemCall{5}};
  EXPECT_TRUE(allows(calls, 5, {2}));
}

TEST(SeccompFilter, EveryProcessHasMemoryThatIsNeverCode) {
  constexpr std::uint32_t kPid = 77;
  const std::vector<SystemCall> calls = common_calls(kPid);
  constexpr std::uint64_t kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;
  EXPECT_TRUE(allows(calls, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, kAnonymous}));
  EXPECT_FALSE(allows(calls, SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, kAnonymous}));
  EXPECT_FALSE(allows(calls, SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE, 3}));
  EXPECT_TRUE(allows(calls, SYS_mprotect, {0, 4096, PROT_READ}));
  EXPECT_FALSE(allows(calls, SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC}));
  EXPECT_TRUE(allows(calls, SYS_tgkill, {kPid, 78, 6}));
  EXPECT_FALSE(allows(calls, SYS_tgkill, {1, 1, 9}));
  EXPECT_TRUE(allows(calls, SYS_rt_sigaction, {SIGABRT}));
  EXPECT_FALSE(allows(calls, SYS_rt_sigaction, {SIGSYS}));
  for (const long number : {SYS_read, SYS_write, SYS_futex, SYS_exit_group, SYS_rt_sigreturn,
                            SYS_restart_syscall, SYS_clock_gettime, SYS_getrandom})
    EXPECT_TRUE(allows(calls, static_cast<std::uint32_t>(number))) << number;
  for (const long number : {SYS_openat,
                            SYS_openat2,
                            SYS_connect,
                            SYS_socket,
                            SYS_sendto,
                            SYS_execve,
                            SYS_execveat,
                            SYS_clone,
                            SYS_clone3,
                            SYS_ptrace,
                            SYS_process_vm_writev,
                            SYS_kill,
                            SYS_tkill,
                            SYS_io_uring_setup,
                            SYS_io_uring_enter,
                            SYS_io_uring_register,
                            SYS_pkey_mprotect,
                            SYS_memfd_create,
                            SYS_ioctl,
                            SYS_bpf,
                            SYS_seccomp,
                            SYS_prctl,
                            SYS_pidfd_getfd,
                            SYS_userfaultfd,
                            SYS_unlinkat,
                            SYS_personality})
    EXPECT_FALSE(allows(calls, static_cast<std::uint32_t>(number))) << number;
}

}  // namespace
}  // namespace fata::linux
