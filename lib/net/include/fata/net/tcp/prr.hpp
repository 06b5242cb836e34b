// Proportional rate reduction (RFC 9937, which replaces RFC 6937): how much to send on each ACK of
// a recovery, so that the window shrinks to ssthresh over one round trip, neither in a burst nor
// with a pause.
#pragma once

#include <algorithm>
#include <cstdint>

namespace fata::net::tcp {

// 12 bytes. All in bytes.
class Prr {
 public:
  // Recovery begins. `flight` is what is in the network and what has just left it: SND.NXT -
  // SND.UNA before the ACK that triggered it, without what was SACKed before that ACK.
  void start(std::uint32_t flight) { flight_ = std::max(flight, 1u), delivered_ = out_ = 0; }

  // An ACK that arrived in recovery, the one that began it included. `delivered`: bytes newly known
  // to be received (cumulatively or by SACK); `pipe`: bytes in the network now, the lost ones not;
  // `good`: SND.UNA advanced and no further loss came to light. Gives the congestion window to use
  // until the next ACK: `pipe` and what may be sent now.
  std::uint32_t on_ack(std::uint32_t delivered, std::uint32_t pipe, std::uint32_t ssthresh,
                       std::uint32_t mss, bool good);

  // Every transmission in recovery, of new and of lost data.
  void on_sent(std::uint32_t bytes) { out_ += bytes; }

 private:
  std::uint32_t flight_ = 1;
  std::uint32_t delivered_ = 0;
  std::uint32_t out_ = 0;
};

}  // namespace fata::net::tcp
