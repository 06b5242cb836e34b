// A closed-loop load for DNS and echo servers over UDP. Keeps WINDOW queries outstanding with
// sendmmsg and recvmmsg, and reports answers per second of the server's own CPU time. It reaches
// rates that dnsperf cannot, and uses only Linux sockets, nothing of Fata.
//
//   udp_load ADDRESS PORT SERVER-PID SECONDS WINDOW NAME-PATTERN COUNT
//
// NAME-PATTERN may hold one %u, which is replaced by a number from 0 to COUNT - 1 (uniform,
// seeded); "www.example.org" has none. With the pattern "echo", the answer must be the query
// itself: a response by the DNS rules is wrong.
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

// CPU time in seconds of the process's main thread (schedstat counts neither other threads nor
// children): a single worker is measured.
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
    q.insert(q.end(), name.begin() + static_cast<std::ptrdiff_t>(at),
             name.begin() + static_cast<std::ptrdiff_t>(dot));
    at = dot + 1;
  }
  for (const int b : {0, 0, 1, 0, 1}) q.push_back(static_cast<unsigned char>(b));
  return q;
}

// Sends and receives in batches of system calls, with `window` queries outstanding.
class Load {
 public:
  Load(int socket, unsigned window, bool echo, std::vector<std::vector<unsigned char>> queries)
      : socket_(socket), window_(window), echo_(echo), queries_(std::move(queries)) {
    for (unsigned i = 0; i < kBatch; ++i) {
      out_[i].msg_hdr.msg_iov = &out_vectors_[i];
      in_[i].msg_hdr.msg_iov = &in_vectors_[i];
      out_[i].msg_hdr.msg_iovlen = in_[i].msg_hdr.msg_iovlen = 1;
      in_vectors_[i] = {buffers_[i].data(), buffers_[i].size()};
    }
  }

  void send() {
    while (outstanding_ < window_) {
      const unsigned batch = std::min(kBatch, window_ - outstanding_);
      for (unsigned i = 0; i < batch; ++i) {
        auto& q = queries_[next_++ % queries_.size()];
        q[0] = static_cast<unsigned char>(next_ >> 8), q[1] = static_cast<unsigned char>(next_);
        out_vectors_[i] = {q.data(), q.size()};
      }
      const int sent = ::sendmmsg(socket_, out_.data(), batch, 0);
      if (sent <= 0) break;
      outstanding_ += static_cast<unsigned>(sent);
    }
  }

  // False if nothing arrived for 100 ms. The outstanding queries then count as lost and are
  // replaced.
  bool receive() {
    pollfd ready{socket_, POLLIN, 0};
    if (::poll(&ready, 1, 100) == 0) {
      lost += outstanding_;
      outstanding_ = 0;
      return false;
    }
    const int got = ::recvmmsg(socket_, in_.data(), kBatch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < got; ++i) {
      if (!is_right(buffers_[static_cast<std::size_t>(i)])) ++wrong;
    }
    if (got > 0) {
      answers += static_cast<unsigned>(got);
      outstanding_ -= std::min(outstanding_, static_cast<unsigned>(got));
    }
    return true;
  }

  unsigned long long answers = 0, lost = 0, wrong = 0;

 private:
  using Buffer = std::array<unsigned char, 2048>;

  // True for an echo of a query, or for a response without error that has an answer.
  bool is_right(const Buffer& b) const {
    if (echo_) return (b[2] & 0x80) == 0;
    return (b[2] & 0x80) != 0 && (b[3] & 0x0f) == 0 && (b[6] | b[7]) != 0;
  }

  int socket_;
  unsigned window_;
  bool echo_;
  std::vector<std::vector<unsigned char>> queries_;
  std::array<mmsghdr, kBatch> out_{}, in_{};
  std::array<iovec, kBatch> out_vectors_{}, in_vectors_{};
  std::array<Buffer, kBatch> buffers_{};
  unsigned outstanding_ = 0;
  std::size_t next_ = 0;
};

// All queries are prepared before the measurement, so that the client is not the bottleneck.
std::vector<std::vector<unsigned char>> queries_of(const char* pattern, unsigned count) {
  std::mt19937 random(1);
  std::vector<std::vector<unsigned char>> queries(count == 1 ? 1 : 65536);
  for (auto& q : queries) {
    char name[256];
    std::snprintf(name, sizeof name, pattern, static_cast<unsigned>(random() % count));
    q = query(name);
  }
  return queries;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr,
                 "usage: udp_load ADDRESS PORT SERVER-PID SECONDS WINDOW NAME-PATTERN COUNT\n");
    return 64;
  }
  const std::string pid = argv[3];
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(static_cast<unsigned short>(std::atoi(argv[2])));
  ::inet_pton(AF_INET, argv[1], &server.sin_addr);
  const int size = 8 << 20;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&server), sizeof server) != 0)
    return std::perror("connect"), 1;

  static Load load(fd, static_cast<unsigned>(std::atoi(argv[5])), std::string(argv[6]) == "echo",
                   queries_of(argv[6], static_cast<unsigned>(std::atoi(argv[7]))));
  using Clock = std::chrono::steady_clock;
  const auto warm = Clock::now() + std::chrono::duration<double>(0.5);
  const auto end = warm + std::chrono::duration<double>(std::atof(argv[4]));
  auto measured_from = Clock::now();
  double cpu = 0;
  bool measuring = false;
  unsigned rounds = 0;
  for (auto now = measured_from; now < end;) {
    if (++rounds % 16 == 0) {
      now = Clock::now();
      if (!measuring && now >= warm) {
        measuring = true;
        cpu = cpu_seconds(pid);
        load.answers = load.lost = load.wrong = 0;
        measured_from = now;
      }
    }
    load.send();
    if (!load.receive()) now = Clock::now();
  }
  const double wall = std::chrono::duration<double>(Clock::now() - measured_from).count();
  const double used = cpu_seconds(pid) - cpu;
  std::printf(
      "answers %llu wrong %llu lost %llu rate %.0f/s cpu %.3f s of %.3f per_cpu_second %.0f\n",
      load.answers, load.wrong, load.lost, static_cast<double>(load.answers) / wall, used, wall,
      static_cast<double>(load.answers) / used);
  return load.answers == 0 || load.wrong != 0;
}
