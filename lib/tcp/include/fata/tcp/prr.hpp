// Proportional rate reduction (RFC 9937, which replaces RFC 6937): the amount to send on each ACK
// of a recovery, so that the window shrinks to ssthresh over one round trip without bursts or
// pauses.
#pragma once

#include <algorithm>
#include <cstdint>

namespace fata::tcp {

// 12 bytes. All values in bytes.
class Prr {
 public:
  // Starts a recovery. `flight`: SND.NXT - SND.UNA before the triggering ACK, without data SACKed
  // before that ACK.
  void start(std::uint32_t flight) { flight_ = std::max(flight, 1u), delivered_ = out_ = 0; }

  // Handles an ACK in recovery, including the one that started it. `delivered`: bytes newly known
  // to be received (cumulatively or by SACK). `pipe`: bytes in the network now, without lost ones.
  // `good`: SND.UNA advanced and no further loss was detected. Returns the congestion window until
  // the next ACK: `pipe` plus the bytes that may be sent now.
  std::uint32_t on_ack(std::uint32_t delivered, std::uint32_t pipe, std::uint32_t ssthresh,
                       std::uint32_t mss, bool good);

  // Call for every transmission in recovery, of new and of lost data.
  void on_sent(std::uint32_t bytes) { out_ += bytes; }

 private:
  std::uint32_t flight_ = 1;
  std::uint32_t delivered_ = 0;
  std::uint32_t out_ = 0;
};

}  // namespace fata::tcp
