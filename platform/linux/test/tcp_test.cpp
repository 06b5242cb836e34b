#include "fata/linux/tcp.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "fata/linux/run.hpp"

namespace fata::linux {
namespace {

// Makes accept4() fail with `error` from now on.
void break_accept(int error) {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_accept4, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), program.data()};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

// Calls accept() with a pending connection while the system call fails with `error`. Sets `goes_on`
// if the listener is still waiting after 100 ms.
async::Task<int> accept_while(int error, bool* goes_on) {
  Tcp tcp;
  auto listener = tcp.listen({Ipv4Address::of(127, 0, 0, 1), 0}, 4);
  EXPECT_TRUE(listener);
  auto client = co_await tcp.connect((*listener)->local(), async::Wait::at_most(seconds(5)));
  EXPECT_TRUE(client);
  break_accept(error);
  const auto flow = co_await (*listener)->accept(async::Wait::at_most(milliseconds(100)));
  EXPECT_FALSE(flow);
  *goes_on = !flow && flow.error().is(async::Errc::kTimedOut);
  co_return 0;
}
void expect_listener_goes_on(int error, bool expected) {
  SCOPED_TRACE(::strerror(error));
  const auto attempt = [&] {
    bool goes_on = false;
    async::Loop loop;
    enter(loop);
    loop.run(accept_while(error, &goes_on));
    std::_Exit(!testing::Test::HasFailure() && goes_on == expected ? 0 : 1);
  };
  EXPECT_EXIT(attempt(), testing::ExitedWithCode(0), "");
}

TEST(HostTcpDeathTest, AListenerOutlivesTheErrorsOfOneConnection) {
  // accept(2), "Error handling", and transient errors.
  for (const int error :
       {ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
        ECONNABORTED, EINTR, EPERM, ETIMEDOUT, EMFILE, ENFILE, ENOBUFS, ENOMEM})
    expect_listener_goes_on(error, true);
}

TEST(HostTcpDeathTest, AListenerThatIsNoneAnyMoreEnds) {
  for (const int error : {EBADF, EINVAL, ENOTSOCK}) expect_listener_goes_on(error, false);
}

}  // namespace
}  // namespace fata::linux
