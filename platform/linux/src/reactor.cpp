#include "fata/linux/reactor.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "console.hpp"
#include "fata/base/panic.hpp"
#include "fata/base/platform.hpp"
#include "fata/linux/os_error.hpp"

namespace fata::linux {

namespace {
// While tasks keep the loop busy, epoll is polled only now and then; busy sockets are read without
// a notification.
constexpr unsigned kTurnsBetweenLooks = 8;
constexpr int kConsoleRetryMs = 10;
}  // namespace

Result<void> Watch::start(int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  if (::epoll_ctl(reactor().epoll(), EPOLL_CTL_ADD, fd, &event) != 0) return os_fail();
  fd_ = fd;
  return {};
}

void Watch::stop() {
  if (fd_ < 0) return;
  ::epoll_ctl(reactor().epoll(), EPOLL_CTL_DEL, fd_, nullptr);
  fd_ = -1;
}

async::Task<Result<void>> Watch::wait_for(bool* ready, async::WaitQueue* queue, async::Wait wait) {
  while (!*ready) {
    const Result<void, async::Errc> woken = co_await queue->wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
  co_return Result<void>{};
}

void Watch::on_events(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    readable_ = true;
    readers_.notify_all();
  }
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    writable_ = true;
    writers_.notify_all();
  }
}

Reactor::Reactor() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  check(static_cast<bool>(epoll_), "epoll_create1 failed");
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  signals_ = Fd(::signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // the signals
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, signals_.get(), &event) == 0, "epoll_ctl failed");
}

bool Reactor::poll() noexcept {
  // Check epoll before the pollers run, because an edge-triggered event is reported only once.
  bool any = ++turns_since_look_ >= kTurnsBetweenLooks && wait_events(0);
  // A completion only makes tasks ready, so it can destroy a poller no earlier than in a later
  // turn.
  List<Poller> looked_at;
  while (!pollers_.empty()) {
    Poller& poller = pollers_.pop_front();
    looked_at.push_back(poller);
    any |= poller.poll();
  }
  pollers_.splice_back(looked_at);
  return any;
}

void Reactor::idle_until(Instant deadline) noexcept {
  int timeout = -1;
  if (!deadline.is_never()) {
    // Rounded up: a wake-up before the deadline would spin until it is reached.
    const std::int64_t ns = (deadline - platform::monotonic_now()).ns;
    timeout = static_cast<int>(std::clamp<std::int64_t>((ns + 999'999) / 1'000'000, 0, 60'000));
  }
  if (!console().drain())
    timeout = timeout < 0 ? kConsoleRetryMs : std::min(timeout, kConsoleRetryMs);
  wait_events(timeout);
}

bool Reactor::wait_events(int timeout_ms) noexcept {
  turns_since_look_ = 0;
  std::array<epoll_event, 64> events;
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      signalfd_siginfo info;
      while (::read(signals_.get(), &info, sizeof info) == sizeof info) stop_ = true;
    } else {
      static_cast<Watch*>(event.data.ptr)->on_events(event.events);
    }
  }
  return count > 0;
}

}  // namespace fata::linux
