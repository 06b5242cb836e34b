// The counterpart of examples/devices/udp-echo: an echo on a plain kernel socket that uses recvmmsg
// and sendmmsg with batches of 64.
//   socket_echo PORT
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: socket_echo PORT\n"), 64;
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_port = htons(static_cast<unsigned short>(std::atoi(argv[1])));
  if (::bind(fd, reinterpret_cast<sockaddr*>(&local), sizeof local) != 0)
    return std::perror("bind"), 1;
  constexpr unsigned kBatch = 64;
  static std::array<std::array<char, 2048>, kBatch> buffers;
  static std::array<sockaddr_in, kBatch> peers;
  static std::array<iovec, kBatch> vectors;
  static std::array<mmsghdr, kBatch> headers;
  for (;;) {
    for (unsigned i = 0; i < kBatch; ++i) {
      vectors[i] = {buffers[i].data(), buffers[i].size()};
      headers[i].msg_hdr = {&peers[i], sizeof peers[i], &vectors[i], 1, nullptr, 0, 0};
    }
    const int got = ::recvmmsg(fd, headers.data(), kBatch, MSG_WAITFORONE, nullptr);
    for (int i = 0; i < got; ++i)
      vectors[static_cast<unsigned>(i)].iov_len = headers[static_cast<unsigned>(i)].msg_len;
    if (got > 0) ::sendmmsg(fd, headers.data(), static_cast<unsigned>(got), 0);
  }
}
