// fata/base/platform.hpp for a Linux process.
#include "fata/base/platform.hpp"

#include <sys/random.h>

#include <cstdlib>
#include <ctime>
#include <vector>

#include "console.hpp"
#include "fata/base/log.hpp"
#include "fata/base/panic.hpp"
#include "fata/linux/os_error.hpp"
#include "fata/linux/reactor.hpp"
#include "fata/linux/run.hpp"
#include "process.hpp"

namespace fata {

namespace linux {

const ErrorDomain& error_domain(Errno) noexcept {
  static constexpr ErrorDomain domain{"os", [](std::uint32_t code) -> std::string_view {
                                        const char* text =
                                            ::strerrordesc_np(static_cast<int>(code));
                                        return text == nullptr ? "unknown error" : text;
                                      }};
  return domain;
}

Reactor& reactor() noexcept {
  static Reactor instance;
  return instance;
}

Console& console() noexcept {
  static Console instance;
  return instance;
}

namespace {
std::int64_t read_clock(clockid_t id) noexcept {
  timespec time{};
  ::clock_gettime(id, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}
std::int64_t g_start = read_clock(CLOCK_MONOTONIC);
std::vector<std::string_view> g_arguments;
async::Loop* g_loop = nullptr;
constinit WallCorrection g_wall_correction;
}  // namespace

void enter(async::Loop& loop) { g_loop = &loop; }

void set_arguments(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) g_arguments.emplace_back(argv[i]);
}

}  // namespace linux

namespace platform {

Instant monotonic_now() noexcept { return {linux::read_clock(CLOCK_MONOTONIC) - linux::g_start}; }
WallTime wall_now() noexcept {
  return linux::g_wall_correction.read(monotonic_now(), host_wall()).time;
}
WallReading host_wall() noexcept { return host_reading({linux::read_clock(CLOCK_REALTIME)}, {}); }
WallCorrection& wall_correction() noexcept { return linux::g_wall_correction; }

void entropy(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno != EINTR) panic("getrandom failed");
    if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
  }
}

// Always 0: a snapshot restores the whole host, not this process.
std::uint64_t generation() noexcept { return 0; }

void console_write(std::string_view text) noexcept { linux::console().out.write(text); }
void console_flush() noexcept { linux::console().flush(); }
std::span<const std::string_view> arguments() noexcept { return linux::g_arguments; }
StrayWord classify_stray(std::string_view) noexcept { return StrayWord::kImage; }
bool poll_devices() noexcept { return linux::reactor().poll(); }
void idle_until(Instant deadline) noexcept { linux::reactor().idle_until(deadline); }
std::size_t memory() noexcept {
  return static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
bool stop_requested() noexcept { return linux::reactor().stop_requested(); }

[[noreturn]] void exit(int status) noexcept {
  console_flush();
  ::_exit(status);
}

}  // namespace platform

namespace async {
Loop& current_loop() noexcept {
  check(linux::g_loop != nullptr, "no loop yet");
  return *linux::g_loop;
}
}  // namespace async

void log_sink(log::Level, std::string_view line) noexcept {
  linux::console().err.write(line);
  linux::console().err.write("\n");
}

}  // namespace fata
