// File descriptor events of this process: one edge-triggered epoll set, and the pollers of devices
// that have completion rings.
//
// Platform state, one per process: `reactor()`.
#pragma once

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"
#include "fata/base/list.hpp"
#include "fata/base/result.hpp"
#include "fata/linux/fd.hpp"

#ifdef linux
#error "gnu++ dialects define the macro linux: compile with -std=c++23"
#endif

namespace fata::linux {

// The edge-triggered readiness of one descriptor. Try the system call first. Call drained_in() or
// drained_out() only after the call has processed everything (EAGAIN, or fewer than requested), and
// then wait.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { stop(); }

  // The owner keeps the descriptor, which must outlive the watch.
  Result<void> start(int fd);
  void stop();

  bool readable() const { return readable_; }
  bool writable() const { return writable_; }
  void drained_in() { readable_ = false; }
  void drained_out() { writable_ = false; }
  // Marks the descriptor ready and makes all waiters retry their system calls.
  void wake() {
    readable_ = writable_ = true;
    readers_.notify_all();
    writers_.notify_all();
  }
  async::Task<Result<void>> wait_readable(async::Wait wait) {
    return wait_for(&readable_, &readers_, wait);
  }
  async::Task<Result<void>> wait_writable(async::Wait wait) {
    return wait_for(&writable_, &writers_, wait);
  }

 private:
  friend class Reactor;
  static async::Task<Result<void>> wait_for(bool* ready, async::WaitQueue* queue, async::Wait wait);
  void on_events(std::uint32_t events);

  int fd_ = -1;
  bool readable_ = true;
  bool writable_ = true;
  async::WaitQueue readers_;
  async::WaitQueue writers_;
};

// A device that is polled in every turn of the loop.
class Poller : public ListNode<Poller> {
 public:
  // Submits queued work and completes finished work without blocking; true if anything completed.
  virtual bool poll() noexcept = 0;

 protected:
  ~Poller() = default;
};

class Reactor {
 public:
  Reactor();

  int epoll() const { return epoll_.get(); }
  void add(Poller& poller) { pollers_.push_back(poller); }

  // platform::poll_devices() and platform::idle_until().
  bool poll() noexcept;
  void idle_until(Instant deadline) noexcept;
  bool stop_requested() const { return stop_; }

 private:
  bool wait_events(int timeout_ms) noexcept;

  Fd epoll_;
  Fd signals_;
  List<Poller> pollers_;
  unsigned turns_since_look_ = 0;
  bool stop_ = false;
};

Reactor& reactor() noexcept;

}  // namespace fata::linux
