// Timers by deadline: a 4-ary heap of pointers. With a million timers, an operation costs about ten
// comparisons; the nearest deadline costs none.
#pragma once

#include <cstdint>
#include <vector>

#include "fata/base/time.hpp"

namespace fata {

class TimerHeap;

// A timer is a member of its owner, which may destroy it at any time.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const { return heap_ != nullptr; }
  Instant deadline() const { return deadline_; }
  void disarm();

  // Called once when the deadline is reached; the timer is then disarmed and may be armed again.
  virtual void on_timer() noexcept = 0;

 protected:
  ~Timer() { disarm(); }

 private:
  friend class TimerHeap;
  TimerHeap* heap_ = nullptr;
  std::uint32_t place_ = 0;
  Instant deadline_{};
};

class TimerHeap {
 public:
  TimerHeap() = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  ~TimerHeap();

  // Arms (or re-arms) the timer.
  void arm(Timer& timer, Instant deadline);
  Instant next() const { return heap_.empty() ? Instant::never() : heap_.front().deadline; }
  std::size_t size() const { return heap_.size(); }
  // Fires the timers due at `now`, earliest first, at most `limit`; returns the number fired.
  std::size_t fire(Instant now, std::size_t limit);

 private:
  friend class Timer;
  // The deadline is stored with the pointer, so that sifting touches only the heap's own memory.
  struct Entry {
    Instant deadline;
    Timer* timer;
  };
  void remove(std::uint32_t place);
  void sift_up(std::uint32_t place, Entry entry);
  void sift_down(std::uint32_t place, Entry entry);
  void put(std::uint32_t place, Entry entry) {
    heap_[place] = entry;
    entry.timer->place_ = place;
  }

  std::vector<Entry> heap_;
};

}  // namespace fata
