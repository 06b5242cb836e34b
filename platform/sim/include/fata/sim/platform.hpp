// The simulated platform: a virtual clock that jumps to the next deadline, seeded randomness, a
// console that is a string. A run depends only on its seed. Only one instance may exist at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fata/async/loop.hpp"
#include "fata/async/task.hpp"
#include "fata/base/platform.hpp"

namespace fata::sim {

class Platform {
 public:
  explicit Platform(std::uint64_t seed = 1);
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
  std::unique_ptr<async::Loop> loop_;

 public:
  // For the definitions of the platform header's functions only.
  static Platform& current();
  void idle_until(Instant deadline);
  Instant look() { return now_ = now_ + look_takes; }
  void log_line(std::string_view line) { (log_ += line) += '\n'; }
  bool stop_requested() const { return stop_; }
};

}  // namespace fata::sim
