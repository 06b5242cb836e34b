#include "fata/sim/platform.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "fata/base/log.hpp"
#include "fata/base/panic.hpp"

namespace fata {

namespace sim {
namespace {
Platform* g_current = nullptr;
}

Platform::Platform(std::uint64_t seed) : random_(seed) {
  check(g_current == nullptr, "two simulated platforms at once");
  g_current = this;
  loop_ = std::make_unique<async::Loop>();
}

Platform::Platform(std::uint64_t seed, Instant now, Outside& outside)
    : now_(now), random_(seed), outside_(&outside) {
  const Current current(*this);
  loop_ = std::make_unique<async::Loop>();
}

Platform::~Platform() {
  if (outside_ == nullptr) {
    loop_.reset();
    g_current = nullptr;
  } else {
    const Current current(*this);
    loop_.reset();
  }
}

Platform::Current::Current(Platform& platform) : before_(std::exchange(g_current, &platform)) {}
Platform::Current::~Current() { g_current = before_; }

Platform& Platform::current() {
  check(g_current != nullptr, "no simulated platform");
  return *g_current;
}

Platform::Outside& Platform::machine() {
  Outside* const machine = current().outside();
  check(machine != nullptr, "the devices of a simulated image are those of a sim::Simulator");
  return *machine;
}

// splitmix64
std::uint64_t Randomness::next() {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

void Platform::idle_until(Instant deadline) {
  if (outside_ != nullptr) return outside_->idle(deadline);
  if (sleep) return sleep(deadline);
  check(!deadline.is_never(), "deadlock: every task waits for something that cannot happen");
  now_ = std::max(now_, deadline);
}
}  // namespace sim

namespace platform {
// Without a simulated platform (in a fuzzer or a test of a pure engine), time does not advance.
Instant monotonic_now() noexcept {
  return sim::g_current == nullptr ? Instant{} : sim::g_current->look();
}
WallTime wall_now() noexcept {
  const WallReading host = host_wall();
  if (sim::g_current == nullptr) return host.time;
  return sim::g_current->wall_correction.read(monotonic_now(), host).time;
}
WallReading host_wall() noexcept {
  const WallTime start =
      sim::g_current == nullptr ? sim::kWallAtStart : sim::g_current->wall_at_start;
  return host_reading({start.ns + monotonic_now().ns}, {});
}
WallCorrection& wall_correction() noexcept { return sim::Platform::current().wall_correction; }
void entropy(std::span<std::byte> out) noexcept {
  for (std::byte& b : out) b = static_cast<std::byte>(sim::Platform::current().random());
}
std::uint64_t generation() noexcept { return sim::Platform::current().generation; }
void console_write(std::string_view text) noexcept { sim::Platform::current().console() += text; }
void console_flush() noexcept {}
std::span<const std::string_view> arguments() noexcept {
  return sim::Platform::current().arguments;
}
StrayWord classify_stray(std::string_view) noexcept { return StrayWord::kImage; }
bool poll_devices() noexcept { return sim::Platform::current().poll(); }
void idle_until(Instant deadline) noexcept { sim::Platform::current().idle_until(deadline); }
std::size_t memory() noexcept { return sim::Platform::current().memory; }
bool stop_requested() noexcept { return sim::Platform::current().stop_requested(); }
[[noreturn]] void exit(int status) noexcept {
  if (sim::g_current != nullptr && sim::g_current->outside() != nullptr)
    sim::g_current->outside()->end(status);
  std::exit(status);
}
}  // namespace platform

namespace async {
Loop& current_loop() noexcept { return sim::Platform::current().loop(); }
}  // namespace async

void log_sink(log::Level, std::string_view line) noexcept {
  if (sim::g_current != nullptr) sim::g_current->log_line(line);
}

[[noreturn]] void panic(std::string_view what, const char* file, unsigned line) noexcept {
  if (sim::g_current != nullptr && sim::g_current->outside() != nullptr) {
    sim::g_current->outside()->panicked(std::string(what) + " at " + file + ":" +
                                        std::to_string(line));
  }
  std::fprintf(stderr, "panic: %.*s at %s:%u\n", static_cast<int>(what.size()), what.data(), file,
               line);
  std::abort();
}

}  // namespace fata
