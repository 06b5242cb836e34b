// A simulated network: devices and learning switches joined by links that delay, lose, duplicate,
// reorder and damage frames, driven by the seed and the virtual clock of a platform or a Simulator.
// The same seed and program produce the same frames at the same times, to the byte; digest() proves
// it.
//
// The network owns its switches and links, and the devices that it has added. It must outlive all
// their users and be destroyed before its platform.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "fata/base/packet.hpp"
#include "fata/base/timer_heap.hpp"
#include "fata/sim/platform.hpp"

namespace fata::sim {

class Link;
class LearningSwitch;
class NetDevice;
struct DeviceOptions;

// A frame in flight. Its checksum may still be unfinished, as between guests of one host.
struct WireFrame {
  std::vector<std::byte> bytes;
  Offload offload;
};

// An end of a link.
class Port {
 public:
  virtual void arrive(WireFrame&& frame) = 0;
  // Called when the link has room again, if requested.
  virtual void transmitted() {}
  // The image whose code runs when a frame arrives; null: that of the network's own platform.
  virtual Platform* platform() const { return nullptr; }
  Link* link() const { return link_; }

 protected:
  ~Port() = default;
  // Passes the frame to the link, if there is one; see Link::transmit.
  std::optional<Instant> transmit(WireFrame&& frame);

 private:
  friend class Network;
  Link* link_ = nullptr;
  unsigned side_ = 0;
};

struct LinkOptions {
  Duration delay = microseconds(50);
  // The maximum additional delay, drawn for each frame, so that frames may overtake each other.
  Duration jitter{};
  std::uint64_t bits_per_second = 0;  // 0: a frame takes no time to send
  // Frames waiting at each end to be sent; further ones are dropped.
  std::size_t queue = 256;
  // Chances in thousandths.
  unsigned loss = 0;
  unsigned duplication = 0;
  unsigned reordering = 0;
  unsigned corruption = 0;                // one bit is flipped
  Duration reorder_by = milliseconds(1);  // the extra delay of a reordered frame
  bool up = true;                         // a link that is down loses everything
};

enum class Fate : std::uint8_t {
  kCarried,
  kLost,
  kRepeated,
  kHeldBack,
  kDamaged,
  kOverflow,
  kFates
};

// The fate of one frame on one link.
struct FrameEvent {
  Instant at;
  std::size_t link;  // in the order of Network::join
  unsigned side;     // 0: sent by the first port of join, 1: by the second
  Fate fate;
  Bytes bytes;  // as sent
};

class Network;

class Link {
 public:
  LinkOptions options;  // may be changed at any time, for frames to come
  std::uint64_t count(Fate fate) const { return counts_[static_cast<std::size_t>(fate)]; }

 private:
  friend class Network;
  friend class Port;
  struct End {
    Port* port = nullptr;  // null: nothing is plugged in, and what is sent to it is lost
    Instant busy_until{};
    std::deque<Instant> queue;  // the time at which each waiting frame will have been sent
  };

  Link(Network& network, std::size_t index, Port& a, Port& b, const LinkOptions& how)
      : options(how), network_(&network), index_(index) {
    ends_[0].port = &a;
    ends_[1].port = &b;
  }
  // Takes a frame from the end `side`; returns the time at which it has left the sender, or nothing
  // if the queue is full.
  std::optional<Instant> transmit(unsigned side, WireFrame&& frame);
  void note(unsigned side, Fate fate, Bytes bytes);

  Network* network_;
  std::size_t index_;
  std::array<End, 2> ends_;
  std::array<std::uint64_t, static_cast<std::size_t>(Fate::kFates)> counts_{};
};

class Network final : private Timer {
 public:
  explicit Network(Drive& drive);
  ~Network();

  NetDevice& add_device();
  NetDevice& add_device(const DeviceOptions& options);
  LearningSwitch& add_switch();
  // A port has at most one link.
  Link& join(Port& a, Port& b, const LinkOptions& options = {});
  // Removes the port from its link, which then has a free end. Frames on their way to it are lost.
  void unplug(Port& port);
  // Gives the free end of the link to a port that has no link.
  void plug(Port& port, Link& link);

  // A hash over all events on all links: times, links, fates and bytes.
  std::uint64_t digest() const { return digest_; }
  // Called for every frame when it is sent.
  std::function<void(const FrameEvent&)> on_frame;

  Instant now() const { return drive_->now(); }

 private:
  friend class Link;
  friend class NetDevice;
  struct Pending {
    Port* port;
    std::optional<WireFrame> frame;  // nothing: notifies the port that it may send again
  };

  void at(Instant when, Port& port, std::optional<WireFrame> frame);
  bool chance(unsigned thousandths) {
    return thousandths != 0 && drive_->random() % 1000 < thousandths;
  }
  Duration up_to(Duration most);
  void on_timer() noexcept override;
  void rearm();
  void note(const FrameEvent& event);

  Drive* drive_;
  std::vector<std::unique_ptr<NetDevice>> devices_;
  std::vector<std::unique_ptr<LearningSwitch>> switches_;
  std::vector<std::unique_ptr<Link>> links_;
  std::multimap<Instant, Pending> pending_;  // equal times keep their order
  std::uint64_t digest_ = 0xcbf29ce484222325;
};

}  // namespace fata::sim
