// Notifications between two domains, without content: a bit that one sets and the other finds set.
//
// A channel has two ends. One domain opens it for another, tells it the port (by xenstore), and
// that one connects. Notifications that come before anybody waits are kept, as one.
#pragma once

#include <cstdint>
#include <memory>

#include "fata/sig/awaits.hpp"
#include "fata/sig/domain.hpp"

namespace fata::sig {

using EventPort = std::uint32_t;

// One end; closed when it dies. One wait at a time.
template <class C>
concept EventChannel = requires(C& channel, async::Wait wait) {
  // This end's number, to be told to the domain that it was opened for.
  { channel.port() } -> std::same_as<EventPort>;
  // Sets the other end's bit. Nothing happens if there is none (any more).
  { channel.notify() } -> std::same_as<void>;
  // Ends with success as soon as the bit of this end is set, and clears it; at once if it is set
  // already. Whoever clears the bit looks at what it stands for afterwards, so no notification is
  // lost; one may be early and find nothing. A wait that ends otherwise leaves the bit. kGone if
  // this domain is no more; that the other end was closed ends no wait.
  { channel.wait(wait) } -> Awaits<Result<void>>;
  // Whether the other end is there now: connected, and not closed. Neither is notified: who must
  // notice looks again after each notification, or watches a node of xenstore.
  { channel.connected() } -> std::same_as<bool>;
};

template <class E>
concept EventChannels = requires(E& events, DomainId domain, EventPort port) {
  typename E::Channel;
  requires EventChannel<typename E::Channel>;
  // An end for that domain to connect to. kExhausted: no port is left. Does not wait.
  { events.open(domain) } -> std::same_as<Result<std::unique_ptr<typename E::Channel>>>;
  // Connects to the port that `domain` opened for this one, once. The new end's bit is set at
  // first: what happened before is to be looked at. kBadReference if there is no such port for us,
  // kExhausted. Does not wait.
  { events.connect(domain, port) } -> std::same_as<Result<std::unique_ptr<typename E::Channel>>>;
};

}  // namespace fata::sig
