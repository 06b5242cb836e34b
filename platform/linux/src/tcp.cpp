#include "fata/linux/tcp.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>

#include "fata/linux/os_error.hpp"
#include "sockets.hpp"
#include "tcp_error.hpp"

namespace fata::linux {

Error flow_error(int number) {
  switch (number) {
    case ECONNRESET:
    case EPIPE:
      return sig::FlowErrc::kReset;
    case ECONNREFUSED:
      return sig::FlowErrc::kRefused;
    case EHOSTUNREACH:
    case ENETUNREACH:
      return sig::FlowErrc::kUnreachable;
    default:
      return os_error(number);
  }
}

namespace {

// The retry interval while buffers or descriptors are exhausted.
constexpr Duration kScarceRetry = milliseconds(5);

}  // namespace

TcpFlow::TcpFlow(Fd fd, BufferPool& pool, Endpoint peer)
    : fd_(std::move(fd)), pool_(&pool), peer_(peer) {
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  check(watch_.start(fd_.get()).has_value(), "epoll refuses a TCP socket");
}

async::Task<Result<Slice>> TcpFlow::read(async::Wait wait) {
  for (;;) {
    if (aborted_) co_return fail(Error(sig::FlowErrc::kReset));
    if (!watch_.readable()) {
      if (const Result<void> ready = co_await watch_.wait_readable(wait); !ready)
        co_return fail(ready.error());
      continue;
    }
    PacketBuf buffer = pool_->allocate();
    if (!buffer) {
      const Instant retry = std::min(async::current_loop().now() + kScarceRetry, wait.deadline);
      if (const auto slept = co_await async::sleep_until(retry, wait.token); !slept)
        co_return fail(Error(slept.error()));
      if (retry == wait.deadline) co_return fail(Error(async::Errc::kTimedOut));
      continue;
    }
    const MutableBytes room = buffer.tail();
    const ssize_t got = ::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
      watch_.drained_in();
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) co_return fail(flow_error(errno));
    (void)buffer.append(static_cast<std::size_t>(got));
    // A small slice in a queue holds a whole buffer; 4 KiB bounds that cost.
    co_return Slice(std::move(buffer));
  }
}

async::Task<sig::WriteOutcome> TcpFlow::write(std::span<Slice> out, async::Wait wait) {
  sig::WriteOutcome outcome;
  while (!out.empty()) {
    if (aborted_) outcome.error = sig::FlowErrc::kReset;
    if (shut_) outcome.error = sig::FlowErrc::kClosedForWriting;
    if (outcome.error) co_return outcome;
    std::array<iovec, 64> vectors;
    const std::size_t count = std::min(out.size(), vectors.size());
    for (std::size_t i = 0; i < count; ++i) {
      const Bytes bytes = out[i].bytes();
      vectors[i] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    }
    msghdr header{};
    header.msg_iov = vectors.data();
    header.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(fd_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      watch_.drained_out();
      if (const Result<void> ready = co_await watch_.wait_writable(wait); !ready) {
        outcome.error = ready.error();
        co_return outcome;
      }
      continue;
    }
    if (sent < 0) {
      outcome.error = flow_error(errno);
      co_return outcome;
    }
    std::size_t left = static_cast<std::size_t>(sent);
    outcome.accepted += left;
    while (!out.empty() && left >= out.front().size()) {
      left -= out.front().size();
      out.front() = {};
      out = out.subspan(1);
    }
    if (left != 0) out.front().trim_front(left);
  }
  co_return outcome;
}

async::Task<Result<void>> TcpFlow::shutdown(async::Wait) {
  if (aborted_) co_return fail(Error(sig::FlowErrc::kReset));
  if (!shut_ && ::shutdown(fd_.get(), SHUT_WR) != 0) co_return fail(flow_error(errno));
  shut_ = true;
  co_return Result<void>{};
}

PacketBuf TcpFlow::allocate(std::size_t headroom, std::size_t tailroom) {
  const std::size_t room = pool_->buffer_size();
  if (headroom > room || tailroom > room - headroom) return {};
  return pool_->allocate(headroom);
}

Endpoint TcpFlow::local() const {
  if (!local_) local_ = local_of(fd_.get());
  return *local_;
}

void TcpFlow::abort() {
  if (aborted_) return;
  (void)local();  // the reset also clears the address
  aborted_ = true;
  // Connecting to AF_UNSPEC resets the connection but keeps the descriptor, which pending waits may
  // use. An address this short is invalid for any other family, so the sandbox can allow this call
  // and forbid all others.
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  ::connect(fd_.get(), &none, sizeof none.sa_family);
  watch_.wake();  // epoll does not report the reset
}

TcpListener::TcpListener(Fd fd, BufferPool& pool)
    : fd_(std::move(fd)), pool_(&pool), local_(local_of(fd_.get())) {
  check(watch_.start(fd_.get()).has_value(), "epoll refuses a listening socket");
}

namespace {
// How the listener continues after an error of accept().
enum class AfterAccept : std::uint8_t { kWait, kNext, kLater, kEnd };

AfterAccept after_error(int error) {
  switch (error) {
    case EAGAIN:
      return AfterAccept::kWait;
    // This connection failed; the next may be ready. These are the network errors that accept(2)
    // says to treat "like EAGAIN by retrying", and a firewall's refusal.
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
    case ECONNRESET:
    case EPERM:
      return AfterAccept::kNext;
    // The connection stays in the backlog until other descriptors or buffers are released.
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AfterAccept::kLater;
    default:
      return AfterAccept::kEnd;
  }
}
}  // namespace

async::Task<Result<std::unique_ptr<TcpFlow>>> TcpListener::accept(async::Wait wait) {
  constexpr unsigned kLostInTurn = 16;  // failed connections before other tasks get a turn
  for (unsigned lost = 0;;) {
    if (!watch_.readable()) {
      if (const Result<void> ready = co_await watch_.wait_readable(wait); !ready)
        co_return fail(ready.error());
    }
    SockAddress peer;
    peer.length = sizeof peer.storage;
    Fd fd(::accept4(fd_.get(), peer.raw(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) co_return std::make_unique<TcpFlow>(std::move(fd), *pool_, from_sock(peer.storage));
    AfterAccept then = after_error(errno);
    if (then == AfterAccept::kEnd) co_return os_fail();
    if (then == AfterAccept::kWait) watch_.drained_in();
    if (then == AfterAccept::kNext && ++lost % kLostInTurn == 0) then = AfterAccept::kLater;
    if (then != AfterAccept::kLater) continue;
    const Instant retry = async::current_loop().now() + kScarceRetry;
    if (retry > wait.deadline) co_return fail(Error(async::Errc::kTimedOut));
    if (const auto slept = co_await async::sleep_until(retry, wait.token); !slept)
      co_return fail(Error(slept.error()));
  }
}

Result<std::unique_ptr<TcpListener>> Tcp::listen(Endpoint at, std::size_t backlog) {
  Result<Fd> fd = bound_socket(SOCK_STREAM, at);
  if (!fd) return fail(fd.error());
  if (::listen(fd->get(), static_cast<int>(backlog)) != 0) return os_fail();
  return std::make_unique<TcpListener>(std::move(*fd), pool_);
}

SandboxNeeds Tcp::sandbox_needs() const {
  constexpr std::uint32_t kType = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  SandboxNeeds needs{
      .calls =
          {
              {SYS_recvfrom},
              // MSG_FASTOPEN would connect.
              {SYS_sendmsg, {argument_is(2, MSG_NOSIGNAL | MSG_DONTWAIT)}},
              {SYS_accept4},
              {SYS_shutdown},
              {SYS_listen},
              option_call(IPPROTO_TCP, TCP_NODELAY),
              // With a length of two octets (only the family), connect() can only end a connection.
              {SYS_connect, {argument_is(2, sizeof(sa_family_t))}},
          },
      .binds_tcp = true,
      .connects_tcp = &tcp_connects != nullptr,
  };
  add_binding(needs, kType);
  if (needs.connects_tcp) {
    needs.calls.push_back({SYS_connect});
    needs.calls.push_back({SYS_getsockopt, {argument_is(1, SOL_SOCKET), argument_is(2, SO_ERROR)}});
  }
  return needs;
}

}  // namespace fata::linux
