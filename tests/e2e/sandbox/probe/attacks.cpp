#include "attacks.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sandbox_probe {
namespace {

template <class... Arguments>
long call(long number, Arguments... arguments) {
  const long outcome = ::syscall(number, arguments...);
  return outcome < 0 ? -errno : outcome;
}

sockaddr_in loopback_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

long ignore_denials() { return ::signal(SIGSYS, SIG_IGN) == SIG_ERR ? -errno : 0; }
long connect_tcp() {
  const sockaddr_in to = loopback_port();
  return call(SYS_connect, 0, &to, sizeof to);
}
long execute() {
  const char* const words[] = {"/bin/true", nullptr};
  return call(SYS_execve, words[0], words, words + 1);
}
long map_code() {
  return call(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
long make_code() {
  alignas(4096) static std::array<char, 4096> page;
  return call(SYS_mprotect, page.data(), page.size(), PROT_READ | PROT_EXEC);
}
long send_fast_open() {
  const sockaddr_in to = loopback_port();
  iovec piece{};
  msghdr message{};
  message.msg_name = const_cast<sockaddr_in*>(&to);
  message.msg_namelen = sizeof to;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  return call(SYS_sendmsg, 0, &message, MSG_FASTOPEN);
}
int folder() {
  for (int descriptor = 0; descriptor < 20; ++descriptor) {
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags >= 0 && (flags & O_PATH) != 0) return descriptor;
  }
  return -1;
}
// Uses a folder's descriptor, which the filter allows.
long open_beyond_a_folder() {
  // Without RESOLVE_BENEATH.
  open_how how{};
  how.flags = O_RDONLY;
  return call(SYS_openat2, folder(), "/etc/passwd", &how, sizeof how);
}
long write_beneath_a_folder() {
  open_how how{};
  how.flags = O_RDWR | O_CREAT;
  how.mode = 0600;
  return call(SYS_openat2, folder(), "made-by-the-probe", &how, sizeof how);
}
std::array<int, 2> g_to_thread{-1, -1};
pthread_t g_thread;

void* open_in_thread(void*) {
  char octet = 0;
  (void)!::read(g_to_thread[0], &octet, 1);
  return reinterpret_cast<void*>(call(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY));
}
long open_by_thread() {
  (void)!::write(g_to_thread[1], "", 1);
  void* outcome = nullptr;
  if (::pthread_join(g_thread, &outcome) != 0) return kNoSuchAttack;
  return reinterpret_cast<long>(outcome);
}
long allow_all() {
  sock_filter statement{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const sock_fprog program{1, &statement};
  return call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#if defined(__x86_64__)
// Calls getpid by i386's system call number.
long other_numbering() {
  long outcome = 20;
  asm volatile("int $0x80" : "+a"(outcome) : : "memory", "r8", "r9", "r10", "r11");
  return outcome;
}
long x32_numbering() { return call(0x40000000 | SYS_getpid); }
#endif
// Normal operations late in an image's life. None of them is an attack.
long behave() {
  // Sizes that use brk, then mmap. Without volatile, the allocation is optimized away.
  for (std::size_t size = 1; size < (std::size_t{1} << 26); size *= 4) {
    void* volatile memory = std::malloc(size);
    memory = std::realloc(memory, 2 * size);
    if (memory == nullptr) return -ENOMEM;
    std::memset(memory, 1, 2 * size);
    std::free(memory);
  }
  std::printf("printed by a C library\n");
  std::fflush(stdout);
  timespec time{};
  return call(SYS_clock_gettime, CLOCK_REALTIME, &time);
}
long fail_a_check() { std::abort(); }

// A copy with a length chosen by a peer, into a buffer whose size the compiler knows.
long overflow() {
  static std::array<char, 64> received{};
  static std::array<char, 16> field{};
  volatile std::size_t length = received.size();
  std::memcpy(field.data(), received.data(), length);
  volatile char last = field.back();
  return last;
}

// A read of an unset variable: counts the octets of a secret that an earlier call left at the same
// place on the stack.
constexpr unsigned char kSecret = 0xa7;
struct Octets {
  unsigned char octets[256];
};
[[gnu::noinline]] void keep_secret() {
  Octets secret;
  std::memset(&secret, kSecret, sizeof secret);
  asm volatile("" ::"r"(&secret) : "memory");
}
long count_secret(const Octets& seen) {
  long count = 0;
  for (const unsigned char octet : seen.octets) count += octet == kSecret ? 1 : 0;
  return count;
}
[[gnu::noinline]] long read_unset() {
  Octets seen;
  asm volatile("" ::"r"(&seen) : "memory");
  return count_secret(seen);
}
// Exempt from automatic initialization: proves that the secret is still there.
[[gnu::noinline]] long read_unset_exempt() {
  [[clang::uninitialized]] Octets seen;
  asm volatile("" ::"r"(&seen) : "memory");
  return count_secret(seen);
}

struct Attack {
  std::string_view name;
  long (*run)();
};
constexpr Attack kAttacks[] = {
    {"openat", [] { return call(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }},
    {"connect", connect_tcp},
    {"execve", execute},
    {"socket-unix", [] { return call(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }},
    {"socket-raw", [] { return call(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP); }},
    {"socket-udp",
     [] { return call(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }},
    {"clone", [] { return call(SYS_clone, SIGCHLD, 0, 0, 0, 0); }},
    {"ptrace", [] { return call(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }},
    {"kill", [] { return call(SYS_kill, ::getpid(), 0); }},
    {"tgkill", [] { return call(SYS_tgkill, 1, 1, 0); }},
    {"rt_sigaction", ignore_denials},
    {"thread", open_by_thread},
    {"mmap", map_code},
    {"mprotect", make_code},
    {"io_uring_setup", [] { return call(SYS_io_uring_setup, 1, nullptr); }},
    {"sendmsg", send_fast_open},
    {"openat2", [] { return call(SYS_openat2, AT_FDCWD, "/etc/passwd", nullptr, 0); }},
    {"open-beyond", open_beyond_a_folder},
    {"open-to-write", write_beneath_a_folder},
    {"prctl", allow_all},
    {"getppid", [] { return call(SYS_getppid); }},
    {"getuid", [] { return call(SYS_getuid); }},
    {"getgid", [] { return call(SYS_getgid); }},
#if defined(__x86_64__)
    {"other-numbering", other_numbering},
    {"x32-numbering", x32_numbering},
#endif
    {"behave", behave},
    {"abort", fail_a_check},
    {"overflow", overflow},
    {"read-unset", [] { return keep_secret(), read_unset(); }},
    {"read-unset-exempt", [] { return keep_secret(), read_unset_exempt(); }},
    {"none", [] { return 0L; }},
};

}  // namespace

void start_thread() {
  if (::pipe(g_to_thread.data()) != 0 ||
      ::pthread_create(&g_thread, nullptr, &open_in_thread, nullptr) != 0)
    std::abort();
  ::usleep(200'000);  // the system calls of a starting thread are denied later
}

long try_attack(std::string_view name) {
  for (const Attack& each : kAttacks)
    if (each.name == name) return each.run();
  return kNoSuchAttack;
}

}  // namespace sandbox_probe
