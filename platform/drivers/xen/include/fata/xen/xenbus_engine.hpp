// The frontend's half of the handshake in xen/io/xenbus.h, as a pure engine. The backend's states,
// as a watch reports them, go in; what to write and to do comes out. It neither waits nor reads.
#pragma once

#include <cstdint>
#include <optional>

namespace fata::xen {

// XenbusState*
enum class BusState : unsigned {
  kUnknown,
  kInitialising,
  kInitWait,
  kInitialised,
  kConnected,
  kClosing,
  kClosed,
  kReconfiguring,
  kReconfigured
};

class XenbusEngine {
 public:
  enum class State : std::uint8_t {
    kParted,     // without a connection; a backend that waits is joined
    kReopening,  // as kParted; when the backend has closed, it is asked to begin again
    kJoining,    // a backend was found: it will wait for our rings
    kOffered,    // our rings and ports are published: the backend will connect
    kConnected,
    kBroken,   // the backend broke the protocol: our side must be closed
    kLost,     // the domain resumed: the backend must be located again
    kGivenUp,  // for good
  };
  struct Rules {
    bool reopens_closed = false;  // ask each backend that closed to begin again
    unsigned max_resets = 0;      // after so many broken connections, the device is given up
  };
  enum class Next : std::uint8_t {
    kWait,    // for the next change
    kJoin,    // call join()
    kOffer,   // publish rings and ports, then call offered()
    kFinish,  // the backend is connected: read what it offers, then call connected()
  };
  struct Step {
    Next next = Next::kWait;
    bool leave = false;                            // the connection is over: end grants and ports
    bool over = false;                             // the backend closes, has closed or is gone
    std::optional<BusState> write = std::nullopt;  // our next state
  };

  explicit constexpr XenbusEngine(Rules rules) : rules_(rules) {}

  State state() const { return state_; }
  bool is_joining() const { return state_ == State::kJoining || state_ == State::kOffered; }
  bool is_lost() const { return state_ == State::kLost; }
  bool is_given_up() const { return state_ == State::kGivenUp; }

  // The backend's state, or that its node does not exist.
  Step backend(BusState seen, bool exists = true);

  // Each of these has no effect in states that it does not start from: the domain may resume, or
  // the backend may break the protocol, while the driver waits for xenstore.
  void join();       // from kParted, kReopening, kLost
  void offered();    // from kJoining
  void connected();  // from kOffered
  void part();       // the connection ended or failed: from kJoining, kOffered, kConnected
  void lose();       // a backend that was located again did not answer: from kParted
  void broke();      // the backend broke the protocol: from all but kLost and kGivenUp
  void closed();     // our side is closed: from kBroken
  void resumed();    // from all but kGivenUp
  // False if the device is given up already.
  bool give_up();

 private:
  Step parted(BusState seen, bool over);

  Rules rules_;
  State state_ = State::kParted;
  unsigned resets_ = 0;
};

}  // namespace fata::xen
