// The event loop: one per core, everything on it cooperative.
//
// A turn: resume what is ready, let the platform look at its devices, fire the timers that are due
// and look at the devices again if any was, since it may have sent; if nothing is ready then, idle
// until the next deadline or until a device needs attention.
#pragma once

#include <coroutine>
#include <cstdint>

#include "fata/async/cancel.hpp"
#include "fata/async/frame_pool.hpp"
#include "fata/async/list.hpp"
#include "fata/async/renewal.hpp"
#include "fata/async/timer_heap.hpp"
#include "fata/base/time.hpp"

namespace fata::async {

template <class T>
class Task;

// A coroutine that waits in the ready queue. Part of an awaiter; unlinks itself if its coroutine is
// destroyed.
class Ready : public ListNode<Ready> {
 public:
  std::coroutine_handle<> handle;
};

class Loop {
 public:
  struct Stats {
    std::uint64_t turns = 0;
    std::uint64_t resumed = 0;
    std::uint64_t idles = 0;
    Duration idle{};             // the time spent so
    Duration longest_stretch{};  // the longest time a task ran between two awaits
  };

  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs `main` and whatever it starts until `main` has ended; gives its value. Other tasks that
  // are still waiting by then stay suspended and are their owners' to destroy.
  int run(Task<int> main);

  // Cancelled in the turn in which the platform hears that the image should stop.
  void cancel_on_stop(CancelSource& source) { on_stop_ = &source; }

  // Asks to stop, as the platform does, because something that the image cannot go on without is
  // gone; run() gives 1 then if its main gives 0.
  void stop_as_failed() {
    failed_ = true;
    if (on_stop_ != nullptr) on_stop_->cancel();
  }

  // Renewed, in the order of these calls, when the image was restored from a snapshot; until it
  // dies.
  void on_restore(Renewal& renewal);

  // Time as of the start of the current task's stretch. Cheap; good for deadlines and ageing.
  Instant now() const { return now_; }
  void make_ready(Ready& item) { ready_.push_back(item); }
  TimerHeap& timers() { return timers_; }
  FramePool& frames() { return frames_; }
  const Stats& stats() const { return stats_; }

 private:
  void resume_ready();
  void look_around();  // devices, timers, idling
  static void look_for_restore(Loop& loop);

  FramePool frames_;  // first: everything else may live in frames
  TimerHeap timers_;
  List<Ready> ready_;
  Instant now_{};
  Stats stats_{};
  CancelSource* on_stop_ = nullptr;
  bool failed_ = false;
  List<Renewal> renewals_;
  std::uint64_t generation_ = 0;
  // Null without renewals: such an image links nothing of it.
  void (*look_for_restore_)(Loop& loop) = nullptr;
};

// Link-time hook, defined by the platform: the loop of the core that runs this code.
Loop& current_loop() noexcept;

// A coroutine frame from the current loop's pool. Not inline: every coroutine names both, several
// times.
void* allocate_frame(std::size_t size);
void release_frame(void* frame, std::size_t size) noexcept;

}  // namespace fata::async
