// This file is separate from tcp.cpp for the reason given at tcp_connects.
#include <sys/socket.h>

#include "fata/linux/os_error.hpp"
#include "fata/linux/tcp.hpp"
#include "sockets.hpp"
#include "tcp_error.hpp"

namespace fata::linux {

extern const char tcp_connects = 1;

async::Task<Result<std::unique_ptr<TcpFlow>>> Tcp::connect(sig::Target<Endpoint> to,
                                                           async::Wait wait) {
  SockAddress address = to_sock(to.address);
  Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return os_fail();
  const int descriptor = fd.get();
  const bool pending = ::connect(descriptor, address.raw(), address.length) != 0;
  if (pending && errno != EINPROGRESS) co_return fail(flow_error(errno));
  auto flow = std::make_unique<TcpFlow>(std::move(fd), pool_, to.address);
  if (pending) {
    flow->watch_.drained_out();
    if (const Result<void> ready = co_await flow->watch_.wait_writable(wait); !ready)
      co_return fail(ready.error());
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) co_return fail(flow_error(error));
  }
  co_return flow;
}

}  // namespace fata::linux
