// TailProbe: the state of the tail loss probe (RFC 8985 section 7), which reveals a loss at the end
// of a flight before the retransmission timeout.
#pragma once

#include "fata/tcp/segment.hpp"

namespace fata::tcp {

// 5 bytes, with padding 8.
class TailProbe {
 public:
  // Section 7.2: a probe may be scheduled: none is outstanding, and this flight had none.
  bool may_be_scheduled() const { return !outstanding_ && !done_; }
  // The probe's timer has expired: no other probe in this flight.
  void on_timer() { done_ = true; }
  // SND.UNA has advanced: a new flight.
  void on_advance() { done_ = false; }

  // Section 7.3: the probe was sent; it is new data, or repeats the last segment.
  void on_sent(Seq nxt, bool is_retransmission) {
    outstanding_ = true;
    is_retransmission_ = is_retransmission;
    end_ = nxt;
  }
  // The recovery of a loss starts, or the timeout has come.
  void cancel() { outstanding_ = false; }

  // Section 7.4.2. Returns true if the probe has repaired a loss, to which the congestion control
  // must react. An ACK that covers exactly the probe does not show which copy arrived; a D-SACK or
  // a duplicate ACK (without SACK) shows that both did.
  [[nodiscard]] bool on_ack(Seq ack, bool is_duplicate_without_sack) {
    if (!outstanding_ || before(ack, end_)) return false;
    const bool needless = !is_retransmission_ || is_duplicate_without_sack;
    const bool repaired = !needless && after(ack, end_);
    if (needless || repaired) outstanding_ = false;
    return repaired;
  }
  // `end`: of the range that the peer reports to have received twice.
  void on_dsack(Seq end) {
    if (is_retransmission_ && end == end_) outstanding_ = false;
  }
  // An ACK that acknowledges nothing while no data is outstanding: if it repeats the probe's ACK,
  // the probe was unnecessary.
  void on_ack_of_nothing(Seq ack) {
    if (ack == end_) outstanding_ = false;
  }

 private:
  Seq end_ = 0;                         // TLP.end_seq
  bool is_retransmission_ : 1 = false;  // TLP.is_retrans
  bool outstanding_ : 1 = false;
  bool done_ : 1 = false;
};
static_assert(sizeof(TailProbe) <= 8);

}  // namespace fata::tcp
