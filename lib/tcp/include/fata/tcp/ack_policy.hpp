// AckPolicy: decides when received data is acknowledged (RFC 9293 section 3.8.6.3, RFC 5681 section
// 4.2): at once, at the end of a batch of packets, or after a delay.
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"
#include "fata/tcp/segment.hpp"

namespace fata::tcp {

// 16 bytes. An event function returns true if an ACK must be sent at once.
class AckPolicy {
 public:
  // Segments that are acknowledged one by one at the start and after a hole was filled: the peer's
  // slow start, and its recovery after a loss, depend on these ACKs.
  static constexpr std::uint8_t kQuick = 16;
  // After a hole was filled: ACKs that are not combined per batch. On a lossy path the only ACK of
  // a batch may be lost, and the peer's small flight would wait for it.
  static constexpr std::uint8_t kCareful = 64;
  // Immediate ACKs in one batch.
  static constexpr std::uint8_t kEarly = 2;

  // RCV.NXT in the last ACK sent (Last.ACK.sent of RFC 7323).
  Seq last_sent() const { return sent_; }
  // The end of the current batch must send an ACK.
  bool is_required() const { return required_; }
  // Received data is not acknowledged yet.
  bool is_owed() const { return required_ || !at_.is_never(); }
  // Of the delayed ACK; never() if there is none.
  Instant deadline() const { return at_; }

  // The peer's SYN was received; RCV.NXT follows it.
  void start(Seq rcv_nxt) { sent_ = rcv_nxt; }
  void require() { required_ = true; }
  void cancel() {
    required_ = false;
    at_ = Instant::never();
  }
  // A batch of packets is processed, and the next one may have immediate ACKs again.
  void on_end_of_batch() { early_ = kEarly; }
  // Each segment sent, except for a RST without ACK, acknowledges all data received so far.
  void on_ack_sent(Seq rcv_nxt) {
    cancel();
    sent_ = rcv_nxt;
  }
  // Data was sent with the ACK: replies carry the ACKs, so quick ones are not needed.
  void on_data_sent() { quick_ = 0; }

  // Data was received in order, up to RCV.NXT. `mss`: of the peer's full segments. `delay`: of an
  // ACK of less than two segments.
  [[nodiscard]] bool on_data(Seq rcv_nxt, std::uint32_t mss, Instant now, Duration delay) {
    if (rcv_nxt == sent_) return false;
    const std::uint32_t unacknowledged = rcv_nxt - sent_;
    if (careful_ != 0 && early_ != 0 && unacknowledged >= 2 * mss && unacknowledged <= 4 * mss) {
      --careful_;
      --early_;
      return true;
    }
    if (required_) return false;
    if (unacknowledged >= 2 * mss) {
      required_ = true;
    } else if (quick_ != 0 && unacknowledged >= mss) {
      --quick_;
      required_ = true;
    } else if (at_.is_never()) {
      at_ = now + delay;
    }
    return false;
  }
  // RFC 5681 section 4.2: out-of-order data is acknowledged at once. With SACK, one ACK reports the
  // rest after the first segments of a batch; without SACK, each duplicate ACK counts.
  [[nodiscard]] bool on_out_of_order(bool sack) {
    if (sack && early_ == 0) {
      required_ = true;
      return false;
    }
    if (early_ != 0) --early_;
    return true;
  }
  // RFC 5681 section 4.2: acknowledge at once.
  void on_hole_filled() {
    required_ = true;
    quick_ = kQuick;
    careful_ = kCareful;
  }
  // True once, when the delay is over.
  [[nodiscard]] bool on_timer(Instant now) {
    if (now < at_) return false;
    at_ = Instant::never();
    return true;
  }

 private:
  Instant at_ = Instant::never();
  Seq sent_ = 0;
  std::uint8_t quick_ = kQuick;
  std::uint8_t careful_ = 0;
  std::uint8_t early_ = kEarly;
  bool required_ = false;
};
static_assert(sizeof(AckPolicy) <= 16);

}  // namespace fata::tcp
