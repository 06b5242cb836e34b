// Small requests and short connections over sockets, for measuring. One thread with epoll.
//   tcp_requests serve PORT
//     Echoes on the kernel's own stack.
//   tcp_requests ask HOST PORT SECONDS CONNECTIONS
//     Each connection sends 64 bytes, waits for their echo, and repeats.
//   tcp_requests connect HOST PORT SECONDS AT_ONCE
//     Each connection is opened and closed, waits for the server's close, and is replaced.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kRequest = 64;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

class Poll {
 public:
  void watch(int file, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = file}};
    if (::epoll_ctl(poll_, EPOLL_CTL_ADD, file, &event) != 0) die("epoll_ctl");
  }
  template <typename Each>
  void wait(int milliseconds, Each each) {
    const int count =
        ::epoll_wait(poll_, events_.data(), static_cast<int>(events_.size()), milliseconds);
    for (int i = 0; i < count; ++i) each(events_[static_cast<std::size_t>(i)].data.fd);
  }

 private:
  int poll_ = ::epoll_create1(0);
  std::array<epoll_event, 256> events_{};
};

void no_delay(int flow) {
  const int one = 1;
  ::setsockopt(flow, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void serve(std::uint16_t port) {
  const int listener = ::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in6 at{};
  at.sin6_family = AF_INET6;
  at.sin6_port = htons(port);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) die("bind");
  ::listen(listener, 1024);
  Poll poll;
  poll.watch(listener, EPOLLIN);
  std::vector<char> buffer(64 << 10);
  for (;;) {
    poll.wait(-1, [&](int file) {
      if (file == listener) {
        for (int flow; (flow = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
          no_delay(flow);
          poll.watch(flow, EPOLLIN);
        }
        return;
      }
      const ssize_t got = ::read(file, buffer.data(), buffer.size());
      if (got <= 0 ||
          ::send(file, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got)
        ::close(file);
    });
  }
}

class Client {
 public:
  Client(const char* host, const char* port) {
    to_.sin_family = AF_INET;
    to_.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
    if (::inet_pton(AF_INET, host, &to_.sin_addr) != 1) die("address");
  }

  std::uint64_t ask(double seconds, int connections) {
    std::vector<std::size_t> left(65536);
    for (int i = 0; i < connections; ++i) {
      const int flow = open(0);
      if (flow < 0 || flow >= 65536) die("connect");
      no_delay(flow);
      left[static_cast<std::size_t>(flow)] = kRequest;
      poll_.watch(flow, EPOLLIN);
      if (::send(flow, request_.data(), kRequest, 0) != kRequest) die("send");
    }
    std::uint64_t answers = 0;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    while (Clock::now() < end) {
      poll_.wait(100, [&](int flow) {
        std::size_t& rest = left[static_cast<std::size_t>(flow)];
        const ssize_t got = ::read(flow, answer_.data(), answer_.size());
        if (got <= 0) die("the server closed");
        rest -= static_cast<std::size_t>(got);
        if (rest != 0) return;
        rest = kRequest;
        ++answers;
        if (::send(flow, request_.data(), kRequest, 0) != kRequest) die("send");
      });
    }
    return answers;
  }

  std::uint64_t connect(double seconds, int at_once) {
    int running = 0;
    std::uint64_t closed = 0;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    std::vector<bool> half(65536);
    while (Clock::now() < end) {
      for (; running < at_once; ++running) {
        const int flow = open(SOCK_NONBLOCK);
        if (flow < 0) break;
        half[static_cast<std::size_t>(flow)] = false;
        poll_.watch(flow, EPOLLOUT | EPOLLIN | EPOLLRDHUP | EPOLLET);
      }
      poll_.wait(100, [&](int flow) {
        if (!half[static_cast<std::size_t>(flow)]) {
          ::shutdown(flow, SHUT_WR);
          half[static_cast<std::size_t>(flow)] = true;
        }
        const ssize_t got = ::read(flow, answer_.data(), answer_.size());
        if (got < 0 && errno == EAGAIN) return;
        if (got == 0) ++closed;
        if (got < 0) ++broken_;
        ::close(flow);
        --running;
      });
    }
    return closed;
  }

  std::uint64_t broken() const { return broken_; }

 private:
  int open(int flags) {
    const int flow = ::socket(AF_INET, SOCK_STREAM | flags, 0);
    if (::connect(flow, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) == 0 ||
        errno == EINPROGRESS)
      return flow;
    ::close(flow);
    return -1;
  }

  Poll poll_;
  sockaddr_in to_{};
  std::array<char, kRequest> request_{};
  std::array<char, 4096> answer_{};
  std::uint64_t broken_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "serve") == 0)
    serve(static_cast<std::uint16_t>(std::atoi(argv[2])));
  if (argc != 6 || (std::strcmp(argv[1], "ask") != 0 && std::strcmp(argv[1], "connect") != 0)) {
    std::fprintf(stderr,
                 "usage: tcp_requests serve PORT | ask|connect HOST PORT SECONDS CONNECTIONS\n");
    return 64;
  }
  Client client(argv[2], argv[3]);
  const double seconds = std::atof(argv[4]);
  const int connections = std::atoi(argv[5]);
  const auto start = Clock::now();
  const std::uint64_t count =
      argv[1][0] == 'a' ? client.ask(seconds, connections) : client.connect(seconds, connections);
  std::printf("%.0f\n", static_cast<double>(count) /
                            std::chrono::duration<double>(Clock::now() - start).count());
  if (client.broken() != 0)
    std::fprintf(stderr, "%llu broken\n", static_cast<unsigned long long>(client.broken()));
}
