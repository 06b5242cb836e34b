// The simulated platform: a virtual clock that jumps to the next deadline, seeded randomness, a
// console that is a string. A run depends only on its seed. Only one instance may exist at a time,
// except those of a Simulator (fata/sim/simulator.hpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fata/async/loop.hpp"
#include "fata/async/task.hpp"
#include "fata/base/address.hpp"
#include "fata/base/platform.hpp"

namespace fata::sim {

// The wall clock's time at the start of the virtual clock: 2026-01-01T00:00:00Z.
inline constexpr WallTime kWallAtStart{1'767'225'600'000'000'000};

class Disk;
class Network;
class NetDevice;
struct DiskOptions;

class Randomness {
 public:
  explicit Randomness(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();

 private:
  std::uint64_t state_;
};

// What drives simulated devices: a clock, its timers and randomness.
class Drive {
 public:
  virtual Instant now() const = 0;
  virtual TimerHeap& timers() = 0;
  virtual std::uint64_t random() = 0;

 protected:
  ~Drive() = default;
};

class Platform final : public Drive {
 public:
  // What runs this platform beside others, and holds the devices of its image. Null: nothing does.
  class Outside {
   public:
    // Returns when the clock has reached the deadline, or after wake().
    virtual void idle(Instant deadline) = 0;
    // The platform has something to do now.
    virtual void wake() = 0;
    virtual Network& network() = 0;
    // Plugs the image's NIC into the segment, and out.
    virtual void plug(NetDevice& nic, std::size_t number, std::string_view segment) = 0;
    virtual void unplug(NetDevice& nic) = 0;
    virtual MacAddress mac(std::size_t nic) const = 0;
    virtual Disk& disk(std::string_view name) = 0;
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
  Instant now() const override { return now_; }
  TimerHeap& timers() override { return loop_->timers(); }
  std::uint64_t random() override { return random_.next(); }

  // Runs the Task<int> or Task<void> that `make()` returns to its end. A run with no task ready and
  // no timer armed cannot end, and panics ("deadlock").
  template <class Make>
  int run(Make make) {
    return loop_->run(as_int(make()));
  }

  std::string& console() { return console_; }
  std::string& log() { return log_; }
  void request_stop() {
    stop_ = true;
    wake();
  }
  // Ends the idling of an image that runs beside others.
  void wake() {
    if (outside_ != nullptr) outside_->wake();
  }
  std::vector<std::string_view> arguments;
  // What the image has written into files of the host that simulates it: its packet captures.
  std::map<std::string, std::string> files;
  // Increase it to simulate a restore from a snapshot.
  std::uint64_t generation = 0;
  std::size_t memory = std::size_t{1} << 30;
  // The host's clock at the start. Change it to simulate a host that sets its clock.
  WallTime wall_at_start = kWallAtStart;
  WallCorrection wall_correction;
  // The time that each reading of the clock takes, for tests of code that waits for a device
  // without the loop.
  Duration look_takes{};
  // Called in every turn of the loop; true if it did something.
  std::function<bool()> poll = [] { return false; };
  // Called when the loop would sleep until `deadline`. Empty: the clock jumps there.
  std::function<void(Instant deadline)> sleep;

 private:
  static async::Task<int> as_int(async::Task<int> task) { return task; }
  static async::Task<int> as_int(async::Task<void> task) {
    co_await std::move(task);
    co_return 0;
  }

  Instant now_{};
  Randomness random_;
  std::string console_;
  std::string log_;
  bool stop_ = false;
  Outside* outside_ = nullptr;
  std::unique_ptr<async::Loop> loop_;

 public:
  // For the definitions of the platform header's functions only.
  static Platform& current();
  // What holds the devices of the image that runs. Panics outside of a Simulator.
  static Outside& machine();
  void idle_until(Instant deadline);
  Instant look() { return now_ = now_ + look_takes; }
  void log_line(std::string_view line) { (log_ += line) += '\n'; }
  bool stop_requested() const { return stop_; }
  void set_now(Instant now) { now_ = std::max(now_, now); }
  Outside* outside() const { return outside_; }
};

}  // namespace fata::sim
