// The event loop: one per core, with cooperative tasks.
//
// A turn: resume ready tasks, poll the platform's devices, fire due timers, and poll the devices
// again if a timer fired, since it may have sent data. If no task is ready by that time, idle until
// the next deadline or until a device needs attention.
#pragma once

#include <coroutine>
#include <cstdint>

#include "fata/async/cancel.hpp"
#include "fata/async/frame_pool.hpp"
#include "fata/async/renewal.hpp"
#include "fata/base/list.hpp"
#include "fata/base/time.hpp"
#include "fata/base/timer_heap.hpp"

namespace fata::async {

template <class T>
class Task;

// A coroutine in the ready queue. Part of an awaiter; unlinks itself if its coroutine is destroyed.
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
    Duration idle{};             // total time idle
    Duration longest_stretch{};  // the longest run of a task between two awaits
  };

  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs `main` and all tasks that it starts until `main` ends; returns its value. Tasks that are
  // still waiting when it ends stay suspended; their owners must destroy them.
  int run(Task<int> main);

  // The loop cancels `source` in the turn in which the platform receives a stop request.
  void cancel_on_stop(CancelSource& source) { on_stop_ = &source; }

  // Requests a stop, like one from the platform, but because something essential to the image is
  // gone. run() then returns 1 if `main` returns 0.
  void stop_as_failed() {
    failed_ = true;
    if (on_stop_ != nullptr) on_stop_->cancel();
  }

  // Registers `renewal` until its destruction. After a restore from a snapshot, the loop calls
  // renew() on every registered object, in the order of registration.
  void on_restore(Renewal& renewal);

  // The time at which the current task's run began. Cheap; suitable for deadlines and ageing.
  Instant now() const { return now_; }
  void make_ready(Ready& item) { ready_.push_back(item); }
  TimerHeap& timers() { return timers_; }
  FramePool& frames() { return frames_; }
  const Stats& stats() const { return stats_; }

 private:
  void resume_ready();
  void look_around();  // devices, timers, idling
  static void look_for_restore(Loop& loop);

  FramePool frames_;  // declared first, so destroyed last: timers and list nodes may live in frames
  TimerHeap timers_;
  List<Ready> ready_;
  Instant now_{};
  Stats stats_{};
  CancelSource* on_stop_ = nullptr;
  bool failed_ = false;
  List<Renewal> renewals_;
  std::uint64_t generation_ = 0;
  // Set by the first on_restore(), so that an image that never calls it does not link the renewal
  // code.
  void (*look_for_restore_)(Loop& loop) = nullptr;
};

// Link-time hook, defined by the platform: the loop of the core that runs this code.
Loop& current_loop() noexcept;

// Allocates a coroutine frame from the current loop's pool. Not inline: every coroutine uses this
// function and release_frame(), several times.
void* allocate_frame(std::size_t size);
void release_frame(void* frame, std::size_t size) noexcept;

}  // namespace fata::async
