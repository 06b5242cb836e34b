// Measures a byte stream over a socket.
//   socket_stream serve PORT
//   socket_stream send|recv HOST PORT SECONDS [STREAMS]
//
// The client's first byte selects the sender: 'S' the client, 'R' the server. The client prints its
// own CPU time and the megabits per second that arrived. When it sends, it subtracts the bytes that
// its socket reports as unacknowledged.
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kBlock = 256 << 10;
using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void serve_one(int flow) {
  std::vector<char> block(kBlock);
  char what = 0;
  if (::read(flow, &what, 1) == 1) {
    while ((what == 'S' ? ::read(flow, block.data(), block.size())
                        : ::send(flow, block.data(), block.size(), MSG_NOSIGNAL)) > 0) {
    }
  }
  ::close(flow);
}

int serve(int port) {
  const int listener = ::socket(AF_INET6, SOCK_STREAM, 0);
  const int one = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in6 at{};
  at.sin6_family = AF_INET6;
  at.sin6_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) die("bind");
  ::listen(listener, 16);
  for (;;) std::thread(serve_one, ::accept(listener, nullptr, nullptr)).detach();
}

std::uint64_t run(const char* host, const char* port, bool send, double seconds) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* to = nullptr;
  if (::getaddrinfo(host, port, &hints, &to) != 0) die("getaddrinfo");
  const int flow = ::socket(to->ai_family, SOCK_STREAM, 0);
  if (::connect(flow, to->ai_addr, to->ai_addrlen) != 0) die("connect");
  const char what = send ? 'S' : 'R';
  if (::write(flow, &what, 1) != 1) die("write");
  std::vector<char> block(kBlock);
  std::uint64_t bytes = 0;
  const auto start = Clock::now();
  while (std::chrono::duration<double>(Clock::now() - start).count() < seconds) {
    const ssize_t count = send ? ::send(flow, block.data(), block.size(), MSG_NOSIGNAL)
                               : ::read(flow, block.data(), block.size());
    if (count <= 0) break;
    bytes += static_cast<std::uint64_t>(count);
  }
  if (int waiting = 0; send && ::ioctl(flow, SIOCOUTQ, &waiting) == 0)
    bytes -= static_cast<std::uint64_t>(waiting);
  ::close(flow);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "serve") == 0) return serve(std::atoi(argv[2]));
  if (argc < 5) {
    std::fprintf(stderr,
                 "usage: socket_stream serve PORT | send|recv HOST PORT SECONDS [STREAMS]\n");
    return 64;
  }
  const double seconds = std::atof(argv[4]);
  const int streams = argc > 5 ? std::atoi(argv[5]) : 1;
  std::vector<std::uint64_t> bytes(static_cast<std::size_t>(streams));
  std::vector<std::thread> threads;
  for (std::uint64_t& each : bytes) {
    threads.emplace_back(
        [&] { each = run(argv[2], argv[3], std::strcmp(argv[1], "send") == 0, seconds); });
  }
  for (std::thread& thread : threads) thread.join();
  double sum = 0;
  double least = 1e300;
  for (const std::uint64_t each : bytes) {
    const double rate = static_cast<double>(each) * 8 / seconds / 1e6;
    sum += rate;
    least = std::min(least, rate);
  }
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto cpu = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  std::printf("%.1f Mb/s, least of %d %.1f, client CPU %.2f s\n", sum, streams, least,
              cpu(used.ru_utime) + cpu(used.ru_stime));
}
