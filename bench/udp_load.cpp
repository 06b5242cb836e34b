// A closed-loop load for DNS and echo servers over UDP: keeps WINDOW queries outstanding by sendmmsg and recvmmsg, and reports answers
// per second of the server's own CPU time. For ceilings that dnsperf cannot reach; Linux sockets only, nothing of Fata.
//
//   udp_load ADDRESS PORT SERVER-PID SECONDS WINDOW NAME-PATTERN COUNT
//
// NAME-PATTERN holds one %u, which is replaced by a number from 0 to COUNT - 1 (uniform, seeded); "www.example.org" has none.
// With the pattern "echo" the answer must be the query itself, whatever DNS would say of it.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr unsigned kBatch = 64;

// On-CPU nanoseconds of all threads of a process (and its children are not counted: one worker is measured).
double cpu_seconds(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/schedstat");
  double ns = 0;
  file >> ns;
  return ns / 1e9;
}

std::vector<unsigned char> query(const std::string& name) {
  std::vector<unsigned char> q{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    q.push_back(static_cast<unsigned char>(dot - at));
    q.insert(q.end(), name.begin() + static_cast<std::ptrdiff_t>(at), name.begin() + static_cast<std::ptrdiff_t>(dot));
    at = dot + 1;
  }
  for (const int b : {0, 0, 1, 0, 1}) q.push_back(static_cast<unsigned char>(b));
  return q;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) return std::fprintf(stderr, "usage: udp_load ADDRESS PORT SERVER-PID SECONDS WINDOW NAME-PATTERN COUNT\n"), 64;
  const std::string pid = argv[3];
  const double seconds = std::atof(argv[4]);
  const unsigned window = static_cast<unsigned>(std::atoi(argv[5]));
  const unsigned count = static_cast<unsigned>(std::atoi(argv[7]));
  const bool echo = std::string(argv[6]) == "echo";
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(static_cast<unsigned short>(std::atoi(argv[2])));
  ::inet_pton(AF_INET, argv[1], &server.sin_addr);
  const int size = 8 << 20;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&server), sizeof server) != 0) return std::perror("connect"), 1;

  // All queries are made beforehand: the client must not be what is measured.
  std::mt19937 random(1);
  std::vector<std::vector<unsigned char>> queries(count == 1 ? 1 : 65536);
  for (auto& q : queries) {
    char name[256];
    std::snprintf(name, sizeof name, argv[6], static_cast<unsigned>(random() % count));
    q = query(name);
  }
  std::array<mmsghdr, kBatch> out{}, in{};
  std::array<iovec, kBatch> out_vectors{}, in_vectors{};
  static std::array<std::array<unsigned char, 2048>, kBatch> buffers;
  for (unsigned i = 0; i < kBatch; ++i) {
    out[i].msg_hdr.msg_iov = &out_vectors[i];
    in[i].msg_hdr.msg_iov = &in_vectors[i];
    out[i].msg_hdr.msg_iovlen = in[i].msg_hdr.msg_iovlen = 1;
    in_vectors[i] = {buffers[i].data(), buffers[i].size()};
  }
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto warm = start + std::chrono::duration<double>(0.5);
  const auto end = warm + std::chrono::duration<double>(seconds);
  unsigned long long answers = 0, lost = 0, wrong = 0;
  double cpu = 0;
  bool measuring = false;
  unsigned outstanding = 0;
  std::size_t next = 0;
  unsigned rounds = 0;
  auto measured_from = start;
  for (auto now = start; now < end;) {
    if (++rounds % 16 == 0) {
      now = Clock::now();
      if (!measuring && now >= warm) measuring = true, cpu = cpu_seconds(pid), answers = lost = wrong = 0, measured_from = now;
    }
    while (outstanding < window) {
      const unsigned batch = std::min(kBatch, window - outstanding);
      for (unsigned i = 0; i < batch; ++i) {
        auto& q = queries[next++ % queries.size()];
        q[0] = static_cast<unsigned char>(next >> 8), q[1] = static_cast<unsigned char>(next);
        out_vectors[i] = {q.data(), q.size()};
      }
      const int sent = ::sendmmsg(fd, out.data(), batch, 0);
      if (sent <= 0) break;
      outstanding += static_cast<unsigned>(sent);
    }
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, 100) == 0) {  // answers were lost: go on without them
      lost += outstanding;
      outstanding = 0;
      now = Clock::now();
      continue;
    }
    const int got = ::recvmmsg(fd, in.data(), kBatch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < got; ++i) {
      const auto& b = buffers[static_cast<std::size_t>(i)];
      // An echo, or a response, no error, with an answer.
      const bool right = echo ? (b[2] & 0x80) == 0 : (b[2] & 0x80) != 0 && (b[3] & 0x0f) == 0 && (b[6] | b[7]) != 0;
      if (!right) ++wrong;
    }
    if (got > 0) answers += static_cast<unsigned>(got), outstanding -= std::min(outstanding, static_cast<unsigned>(got));
  }
  const double wall = std::chrono::duration<double>(Clock::now() - measured_from).count();
  const double used = cpu_seconds(pid) - cpu;
  std::printf("answers %llu wrong %llu lost %llu rate %.0f/s cpu %.3f s of %.3f per_cpu_second %.0f\n", answers, wrong, lost,
              answers / wall, used, wall, answers / used);
  return answers == 0 || wrong != 0;
}
