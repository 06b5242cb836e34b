// EcnState: explicit congestion notification of one connection (RFC 3168 section 6.1).
#pragma once

#include "fata/tcp/segment.hpp"

namespace fata::tcp {

// 5 bytes, with padding 8.
class EcnState {
 public:
  void start(Seq iss) { end_ = iss; }
  // Section 6.1.1: whether both SYNs have agreed on ECN.
  void negotiated(bool agreed) { capable_ = agreed; }
  bool is_capable() const { return capable_; }

  // As the receiver. A segment has arrived; `cwr`: its flag; `congested`: its packet is marked CE.
  // Returns true if it must be acknowledged at once.
  [[nodiscard]] bool on_segment(bool cwr, bool congested) {
    if (!capable_) return false;
    if (cwr) echo_ = false;
    if (congested) echo_ = true;
    return congested;
  }
  // Section 6.1.3: each ACK carries ECE until the peer sends CWR.
  bool echoes() const { return echo_; }

  // As the sender. An ACK with ECE advances SND.UNA to `ack`. True if the window must be reduced:
  // at most once per window of data (section 6.1.2).
  [[nodiscard]] bool must_reduce(Seq ack, Seq nxt) {
    if (!capable_ || before(ack, end_)) return false;
    end_ = nxt;
    reduced_ = true;
    return true;
  }
  // Whether the new data that is sent now carries CWR: the first after a reduction.
  [[nodiscard]] bool take_cwr() {
    const bool cwr = reduced_;
    reduced_ = false;
    return cwr;
  }

 private:
  Seq end_ = 0;  // SND.NXT at the last reduction
  bool capable_ : 1 = false;
  bool echo_ : 1 = false;
  bool reduced_ : 1 = false;
};
static_assert(sizeof(EcnState) <= 8);

}  // namespace fata::tcp
