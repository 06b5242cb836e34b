// Several images in one program, side by side on one virtual clock.
//
// Each image is an instance: its own loop, console, log, randomness, wall clock, memory budget and
// parameters, all of which its code reaches through fata/base/platform.hpp. An instance runs on a
// stack of its own until it idles or ends; then the simulator continues the instance whose next
// event is the earliest, the one that was started first if several are due. A run depends only on
// the seed.
//
// A panic or platform::exit() ends its instance alone: the stack never continues, and what it owns
// is kept until the program ends.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fata/async/context.hpp"
#include "fata/sim/platform.hpp"

namespace fata::sim {

// `image_NAME::run` of a generated main.
using Main = std::function<async::Task<int>(async::Context&)>;

class Instance {
 public:
  enum class State : std::uint8_t { kRunning, kEnded, kPanicked };

  virtual ~Instance() = default;
  virtual Platform& platform() = 0;
  virtual State state() const = 0;
  virtual int status() const = 0;                // of an instance that has ended
  virtual const std::string& panic() const = 0;  // "what at file:line"; empty without one
};

class Simulator {
 public:
  explicit Simulator(std::uint64_t seed = 1);
  // Keeps instances that have not ended, as if they had panicked.
  ~Simulator();
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  // The instance begins in the next run(), at the time of the clock. `before` may change its
  // platform first. The simulator owns it.
  Instance& start(Main main, std::vector<std::string_view> arguments = {},
                  const std::function<void(Platform&)>& before = {});
  // Runs all instances up to `until`. Returns false if no further event can occur before that.
  bool run(Instant until);
  Instant now() const { return now_; }

 private:
  class Fiber;

  std::uint64_t seed_;
  Instant now_{};
  std::vector<std::unique_ptr<Fiber>> fibers_;
};

}  // namespace fata::sim
