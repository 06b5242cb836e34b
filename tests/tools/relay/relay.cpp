// A wire between two taps, for tests and benchmarks. Frames that enter one tap leave the other. The
// options add delay, loss, duplication and reordering. The relay creates the taps itself, each in a
// network namespace; they vanish when it ends.
//
// Each direction has its own random generator and draws from it for its frames in order, so that
// the same seed loses the same frames of the same stream. With --offload, frames of up to 64 KiB
// pass unchanged and without checksums (IFF_VNET_HDR); otherwise each is a frame of the wire's MTU.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <queue>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

struct Choice {
  // One way. The jitter is uniform, and keeps the order.
  double delay_ms = 0, jitter_ms = 0;
  double loss = 0, duplicate = 0;  // 0 to 1
  // The share of frames that are delayed by an additional reorder_ms, so that later frames overtake
  // them.
  double reorder = 0, reorder_ms = 1;
  double rate_mbit = 0;                 // 0: unlimited
  std::uint32_t queue_bytes = 1 << 20;  // maximum that waits for the rate; the excess is dropped
  std::uint32_t seed = 1;
  bool offload = false;
};

[[noreturn]] void failed(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

// "NAMESPACE:TAP", or "TAP" in the current namespace.
int open_tap(const std::string& text, bool offload) {
  const std::size_t colon = text.find(':');
  const int home = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (colon != std::string::npos) {
    const std::string path = "/run/netns/" + text.substr(0, colon);
    const int other = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (other < 0 || ::setns(other, CLONE_NEWNET) != 0) failed(path);
    ::close(other);
  }
  const int tap = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (tap < 0) failed("/dev/net/tun");
  ifreq request{};
  text.copy(request.ifr_name, IFNAMSIZ - 1, colon == std::string::npos ? 0 : colon + 1);
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0));
  if (::ioctl(tap, TUNSETIFF, &request) != 0) failed(text);
  if (offload && ::ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) != 0)
    failed("offload");
  if (::setns(home, CLONE_NEWNET) != 0) failed("home namespace");
  ::close(home);
  return tap;
}

struct Frame {
  Clock::time_point due;
  std::uint64_t number;  // orders frames that are due at the same time
  std::vector<char> bytes;
  bool operator>(const Frame& other) const {
    return due != other.due ? due > other.due : number > other.number;
  }
};

class Direction {
 public:
  Direction(int from, int to, const Choice& choice, std::uint32_t seed)
      : from_(from), to_(to), choice_(choice), random_(seed), buffer_(65536 + 64) {}

  // Takes up to `most` frames that have arrived; returns true if there may be more.
  bool take(int most) {
    for (int i = 0; i < most; ++i) {
      const ssize_t n = ::read(from_, buffer_.data(), buffer_.size());
      if (n <= 0) return false;
      ++taken_;
      pass(static_cast<std::size_t>(n));
    }
    return true;
  }

  // Sends the frames that are due; returns the time when the next is due.
  Clock::time_point deliver(Clock::time_point now) {
    while (!waiting_.empty() && waiting_.top().due <= now) {
      put(waiting_.top().bytes.data(), waiting_.top().bytes.size());
      waiting_.pop();
    }
    return waiting_.empty() ? Clock::time_point::max() : waiting_.top().due;
  }

  void report(const char* name) const {
    std::printf("%s: %llu frames, %llu lost, %llu doubled, %llu overtaken, %llu too many\n", name,
                static_cast<unsigned long long>(taken_), static_cast<unsigned long long>(lost_),
                static_cast<unsigned long long>(doubled_),
                static_cast<unsigned long long>(overtaken_),
                static_cast<unsigned long long>(dropped_));
  }

 private:
  bool drawn(double chance) {
    return chance > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < chance;
  }
  static Nanoseconds ms(double value) {
    return Nanoseconds(static_cast<std::int64_t>(value * 1e6));
  }

  void pass(std::size_t size) {
    if (drawn(choice_.loss)) {
      ++lost_;
      return;
    }
    const bool twice = drawn(choice_.duplicate);
    if (twice) ++doubled_;
    if (choice_.delay_ms == 0 && choice_.jitter_ms == 0 && choice_.reorder == 0 &&
        choice_.rate_mbit == 0) {
      put(buffer_.data(), size);
      if (twice) put(buffer_.data(), size);
      return;
    }
    const auto now = Clock::now();
    auto sent = now;
    if (choice_.rate_mbit > 0) {
      const Nanoseconds spent(
          static_cast<std::int64_t>(static_cast<double>(size) * 8e3 / choice_.rate_mbit));
      const double queued = static_cast<double>((free_ - now).count()) * choice_.rate_mbit / 8e3;
      if (queued + static_cast<double>(size) > static_cast<double>(choice_.queue_bytes)) {
        ++dropped_;
        return;
      }
      free_ = std::max(free_, now) + spent;
      sent = free_;
    }
    auto due = sent + ms(choice_.delay_ms);
    if (choice_.jitter_ms > 0)
      due += ms(choice_.jitter_ms * std::uniform_real_distribution<double>(0, 1)(random_));
    if (drawn(choice_.reorder)) {
      ++overtaken_;
      due += ms(choice_.reorder_ms);
    } else {
      due = last_ = std::max(last_, due);
    }
    for (int i = 0; i <= (twice ? 1 : 0); ++i) {
      waiting_.push({due, number_++,
                     std::vector<char>(buffer_.begin(),
                                       buffer_.begin() + static_cast<std::ptrdiff_t>(size))});
    }
  }

  void put(const char* bytes, std::size_t size) {
    if (::write(to_, bytes, size) < 0) ++dropped_;  // fails while the interface is down
  }

  int from_, to_;
  const Choice& choice_;
  std::mt19937 random_;
  std::vector<char> buffer_;
  std::priority_queue<Frame, std::vector<Frame>, std::greater<>> waiting_;
  Clock::time_point free_{}, last_{};
  std::uint64_t number_ = 0, taken_ = 0, lost_ = 0, doubled_ = 0, overtaken_ = 0, dropped_ = 0;
};

void relay(const std::string& left, const std::string& right, const Choice& choice) {
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  sigprocmask(SIG_BLOCK, &stops, nullptr);
  const int stop = ::signalfd(-1, &stops, SFD_CLOEXEC);
  const std::array<int, 2> taps{open_tap(left, choice.offload), open_tap(right, choice.offload)};
  std::array<Direction, 2> ways{Direction(taps[0], taps[1], choice, choice.seed),
                                Direction(taps[1], taps[0], choice, choice.seed + 0x9e3779b9U)};
  std::printf("ready\n");
  std::fflush(stdout);
  std::array<pollfd, 3> files{{{taps[0], POLLIN, 0}, {taps[1], POLLIN, 0}, {stop, POLLIN, 0}}};
  for (;;) {
    const auto now = Clock::now();
    const auto next = std::min(ways[0].deliver(now), ways[1].deliver(now));
    timespec timeout{};
    if (next != Clock::time_point::max()) {
      const auto rest =
          std::max(Nanoseconds(0), std::chrono::duration_cast<Nanoseconds>(next - Clock::now()));
      timeout = {rest.count() / 1'000'000'000, rest.count() % 1'000'000'000};
    }
    if (::ppoll(files.data(), files.size(), next == Clock::time_point::max() ? nullptr : &timeout,
                nullptr) < 0)
      break;
    if (files[2].revents != 0) break;
    for (std::size_t i = 0; i < 2; ++i) {
      if (files[i].revents != 0) ways[i].take(64);
    }
  }
  ways[0].report("there");
  ways[1].report("back");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A wire between two taps that delays, loses, doubles and reorders.", "relay");
  std::string left, right;
  Choice choice;
  app.add_option("left", left, "[NAMESPACE:]TAP")->required();
  app.add_option("right", right, "[NAMESPACE:]TAP")->required();
  app.add_option("--delay", choice.delay_ms, "Milliseconds, one way")
      ->check(CLI::Range(0.0, 10'000.0));
  app.add_option("--jitter", choice.jitter_ms, "Up to so many milliseconds more, order kept")
      ->check(CLI::Range(0.0, 10'000.0));
  app.add_option("--loss", choice.loss, "Part of the frames that is lost, 0 to 1")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--duplicate", choice.duplicate, "Part that comes twice")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--reorder", choice.reorder, "Part that later frames overtake")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--reorder-delay", choice.reorder_ms, "By how many milliseconds")
      ->check(CLI::Range(0.0, 10'000.0));
  app.add_option("--rate", choice.rate_mbit, "Mbit/s")->check(CLI::Range(0.0, 1e6));
  app.add_option("--queue", choice.queue_bytes, "Bytes that may wait for the rate");
  app.add_option("--seed", choice.seed, "Of what is drawn");
  app.add_flag("--offload", choice.offload, "Hand on frames that the kernel has not cut");
  CLI11_PARSE(app, argc, argv);
  try {
    relay(left, right, choice);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "relay: %s\n", error.what());
    return 1;
  }
}
