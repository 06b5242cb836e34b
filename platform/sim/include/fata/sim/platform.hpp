// The simulated platform: a virtual clock that jumps to the next deadline, seeded randomness, a
// console that is a string. A run depends only on its seed. Only one instance may exist at a time,
// except those of a Simulator (fata/sim/simulator.hpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fata/async/loop.hpp"
#include "fata/async/task.hpp"
#include "fata/base/platform.hpp"

namespace fata::sim {

// The wall clock's time at the start of the virtual clock: 2026-01-01T00:00:00Z.
inline constexpr WallTime kWallAtStart{1'767'225'600'000'000'000};

class Platform {
 public:
  // What runs this platform beside others. Null: nothing does.
  class Outside {
   public:
    // Returns when the clock has reached the deadline.
    virtual void idle(Instant deadline) = 0;
    [[noreturn]] virtual void end(int status) = 0;
    [[noreturn]] virtual void panicked(std::string what) = 0;

   protected:
    ~Outside() = default;
  };
  // The platform that code refers to while this object exists.
  class Current {
   public:
    explicit Current(Platform& platform);
    ~Current();
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;

   private:
    Platform* before_;
  };

  explicit Platform(std::uint64_t seed = 1);
  // Beside others, from `now` on: the current one only while a Current exists.
  Platform(std::uint64_t seed, Instant now, Outside& outside);
  ~Platform();
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  async::Loop& loop() { return *loop_; }
  Instant now() const { return now_; }
  std::uint64_t random();

  // Runs the Task<int> or Task<void> that `make()` returns to its end. A run with no task ready and
  // no timer armed cannot end, and panics ("deadlock").
  template <class Make>
  int run(Make make) {
    return loop_->run(as_int(make()));
  }

  std::string& console() { return console_; }
  std::string& log() { return log_; }
  void request_stop() { stop_ = true; }
  std::vector<std::string_view> arguments;
  // Increase it to simulate a restore from a snapshot.
  std::uint64_t generation = 0;
  std::size_t memory = std::size_t{1} << 30;
  WallTime wall_at_start = kWallAtStart;
  // The time that each reading of the clock takes, for tests of code that waits for a device
  // without the loop.
  Duration look_takes{};
  // Called in every turn of the loop; true if it did something.
  std::function<bool()> poll = [] { return false; };

 private:
  static async::Task<int> as_int(async::Task<int> task) { return task; }
  static async::Task<int> as_int(async::Task<void> task) {
    co_await std::move(task);
    co_return 0;
  }

  Instant now_{};
  std::uint64_t random_state_;
  std::string console_;
  std::string log_;
  bool stop_ = false;
  Outside* outside_ = nullptr;
  std::unique_ptr<async::Loop> loop_;

 public:
  // For the definitions of the platform header's functions only.
  static Platform& current();
  void idle_until(Instant deadline);
  Instant look() { return now_ = now_ + look_takes; }
  void log_line(std::string_view line) { (log_ += line) += '\n'; }
  bool stop_requested() const { return stop_; }
  void set_now(Instant now) { now_ = std::max(now_, now); }
  Outside* outside() const { return outside_; }
};

}  // namespace fata::sim
