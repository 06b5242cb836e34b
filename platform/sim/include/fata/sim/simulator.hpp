// Several images in one program, side by side on one virtual clock.
//
// Each image is an instance: its own loop, console, log, randomness, wall clock, memory budget and
// parameters, all of which its code reaches through fata/base/platform.hpp. An instance runs on a
// stack of its own until it idles or ends; then the simulator continues the instance whose next
// event is the earliest, the one that was started first if several are due. A run depends only on
// the seed.
//
// A panic or platform::exit() ends its instance alone: the stack never continues, and what it owns
// is kept until the program ends. start_again() starts the same image on the same machine: its NICs
// keep their addresses and cables, and its disks their content.
//
// The simulator owns the network. A NIC of an image is plugged into a segment by the segment's
// name, with a cable of its own to the segment's switch. A frame thus crosses two cables, and the
// faults of both apply.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fata/async/context.hpp"
#include "fata/sim/disk.hpp"
#include "fata/sim/network.hpp"
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
  // Ends it as a panic does, between two of its turns. Call it only outside of the images.
  virtual void kill() = 0;
  // The cable of a NIC of the instance; null if the NIC has never been plugged in.
  virtual Link* cable(std::size_t nic = 0) const = 0;
  // The disk of the instance's machine; made with these options when first named, here or by the
  // image.
  virtual Disk& disk(std::string_view name, const DiskOptions& options = {}) = 0;
};

struct Segment {
  LinkOptions cables;  // for NICs that are plugged in for the first time from now on
  LearningSwitch* hub;
};

class Simulator final : private Drive {
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
  // Starts the image of an instance that has ended, on the same machine with the same arguments.
  Instance& start_again(const Instance& ended, const std::function<void(Platform&)>& before = {});
  // Runs all instances up to `until`. Returns false if no further event can occur before that.
  bool run(Instant until);
  Instant now() const override { return now_; }

  // The segment of that name, made when first named, here or by an image.
  Segment& segment(std::string_view name = "lan");
  // For its digest and its observer, and for devices and links beside those of the images.
  Network& network() { return network_; }

 private:
  class Fiber;
  class Machine;

  Instance& add(std::shared_ptr<Machine> machine, const std::function<void(Platform&)>& before);
  TimerHeap& timers() override { return timers_; }
  std::uint64_t random() override { return random_.next(); }

  Randomness seeds_;   // of the instances
  Randomness random_;  // of the network and the disks
  Instant now_{};
  TimerHeap timers_;
  Network network_{*this};
  std::map<std::string, Segment, std::less<>> segments_;
  std::size_t machines_ = 0;
  std::vector<std::unique_ptr<Fiber>> fibers_;
};

}  // namespace fata::sim
