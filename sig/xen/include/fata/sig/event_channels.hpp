// Notifications between two domains, without content: one domain sets a bit, the other finds it
// set.
//
// A channel has two ends. One domain opens it for another and passes it the port (through
// xenstore); the other domain connects to it. Notifications without a pending wait are kept and
// coalesce into one.
#pragma once

#include <cstdint>
#include <memory>

#include "fata/sig/awaits.hpp"
#include "fata/sig/domain.hpp"

namespace fata::sig {

using EventPort = std::uint32_t;

// One end of a channel; closed on destruction. At most one wait at a time.
template <class C>
concept EventChannel = requires(C& channel, async::Wait wait) {
  // This end's port number, for the domain that it was opened for.
  { channel.port() } -> std::same_as<EventPort>;
  // Sets the other end's bit. Does nothing if the other end does not exist or is closed.
  { channel.notify() } -> std::same_as<void>;
  // Completes successfully when this end's bit is set (at once if it already is), and clears it.
  // Check the shared state after the bit is cleared: then no notification is lost, but a spurious
  // notification is possible. A wait that ends otherwise does not change the bit. kGone if this
  // domain is gone; closing the other end completes no wait.
  { channel.wait(wait) } -> Awaits<Result<void>>;
  // True while the other end is connected. Neither a connection nor a close sends a notification:
  // check again after each notification, or watch a xenstore node.
  { channel.connected() } -> std::same_as<bool>;
};

template <class E>
concept EventChannels = requires(E& events, DomainId domain, EventPort port) {
  typename E::Channel;
  requires EventChannel<typename E::Channel>;
  // Opens an end for `domain` to connect to. kExhausted: no port is free. Does not wait.
  { events.open(domain) } -> std::same_as<Result<std::unique_ptr<typename E::Channel>>>;
  // Connects to a port that `domain` opened for this one; possible once. The new end's bit is
  // initially set, since notifications may precede the connection: check the shared state first.
  // kBadReference if `domain` opened no such port for this domain, kExhausted. Does not wait.
  { events.connect(domain, port) } -> std::same_as<Result<std::unique_ptr<typename E::Channel>>>;
};

namespace archetype {
struct EventChannel {
  EventPort port() { return 0; }
  void notify() {}
  Ready<Result<void>> wait(async::Wait) { return {}; }
  bool connected() { return false; }
};
struct EventChannels {
  using Channel = EventChannel;
  Result<std::unique_ptr<Channel>> open(DomainId) { return fail(Error(DomainErrc::kGone)); }
  Result<std::unique_ptr<Channel>> connect(DomainId, EventPort) {
    return fail(Error(DomainErrc::kGone));
  }
};
}  // namespace archetype

}  // namespace fata::sig
