// ReceiveState: the receive sequence variables of a connection (RFC 9293 section 3.3.1), the window
// that it offers, and its adaptation to the reading rate.
#pragma once

#include <algorithm>

#include "fata/base/time.hpp"
#include "fata/tcp/segment.hpp"

namespace fata::tcp {

// 32 bytes. Windows and sizes are in bytes.
struct ReceiveState {
  Seq irs = 0;                    // of the peer's SYN
  Seq nxt = 0;                    // RCV.NXT
  Seq edge = 0;                   // RCV.NXT + RCV.WND: the right edge of the offered window
  std::uint32_t limit = 0;        // of the window and the received data that was not read yet
  Seq fin_at = 0;                 // of the peer's FIN, if fin_known
  std::uint16_t mss = 536;        // observed size of the peer's full segments
  std::uint8_t shift = 0;         // Rcv.Wind.Shift (RFC 7323 section 2.3)
  bool fin_known : 1 = false;     // a FIN has arrived, possibly before data in front of it
  bool fin_received : 1 = false;  // and so has all data: RCV.NXT follows it

  // The state after the peer's SYN, which takes one sequence number.
  void start(Seq isn) {
    irs = isn;
    nxt = edge = isn + 1;
  }

  std::uint32_t window() const { return edge - nxt; }  // RCV.WND
  // The window field of a SYN, which is never scaled (RFC 7323 section 2.2).
  std::uint16_t syn_window() const {
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(limit, 65535));
  }
  // A window of that size was offered. The edge never moves back (RFC 9293 section 3.8.6).
  void offer(std::uint32_t window) { edge = later(edge, nxt + window); }

  // RFC 9293 section 3.10.7.4, first check. `length` includes SYN and FIN. A segment that starts
  // before the window but reaches into it is acceptable too.
  bool acceptable(Seq seq, std::uint32_t length) const {
    const std::uint32_t size = window();
    const auto inside = [&](Seq at) { return at - nxt < size; };
    if (length == 0) return seq == nxt || inside(seq);
    // With a closed window, a segment at its edge still delivers an ACK; its data is trimmed.
    if (size == 0) return seq == nxt;
    return inside(seq) || inside(seq + length - 1) ||
           (before(seq, nxt) && after(seq + length, nxt));
  }

  // The window that may be offered now. `unread`: received bytes that still take room. The right
  // edge stays until it can move far enough (RFC 9293 section 3.8.6.2.2).
  std::uint32_t window_to_offer(std::uint32_t unread, bool low_on_memory) const {
    std::uint32_t free = limit > unread ? limit - unread : 0;
    free = std::min(free, 65535U << shift);  // the largest value of the field
    if (low_on_memory) free = std::min<std::uint32_t>(free, unread > 2U * mss ? 0 : 2U * mss);
    const Seq to = nxt + free;
    if (before(to, edge) || to - edge < std::min<std::uint32_t>(mss, limit / 2)) return window();
    return free;
  }
  // Offers `window` in the header that is sent now: returns the window field.
  std::uint16_t advertise(std::uint32_t window) {
    std::uint32_t field = window >> shift;
    // Rounding down must not shrink the offered window.
    if (before(nxt + (field << shift), edge)) field = (this->window() + (1U << shift) - 1) >> shift;
    field = std::min<std::uint32_t>(field, 65535);
    offer(field << shift);
    return static_cast<std::uint16_t>(field);
  }
  // Whether the larger `window` is worth a segment of its own.
  bool is_worth_an_update(std::uint32_t window) const {
    const std::uint32_t offered = this->window();
    if (window <= offered) return false;
    const std::uint32_t more = window - offered;
    return offered < 2U * mss || more >= limit / 2 || more >= std::max(offered, 16U * mss);
  }

  // Dynamic right-sizing: the bytes that the application reads in one round trip show the necessary
  // window. on_read() returns the limit to use from now on, at most `max`, or zero while the
  // measurement lasts.
  void start_measuring(Instant now) { read_from_us_ = microseconds_of(now); }
  std::uint32_t on_read(std::uint32_t bytes, Duration round_trip, std::uint32_t max, Instant now) {
    read_bytes_ += bytes;
    const std::uint32_t now_us = microseconds_of(now);
    if (now_us - read_from_us_ < std::max(round_trip, microseconds(100)).us()) return 0;
    const std::uint32_t wanted = std::min(2 * std::min(read_bytes_, limit), max);
    read_bytes_ = 0;
    read_from_us_ = now_us;
    return std::max(wanted, limit);
  }

  // A FIN has arrived with sequence number `at`. False if one was known before.
  bool on_fin(Seq at) {
    if (fin_known) return false;
    fin_at = at;
    return fin_known = true;
  }
  // The FIN is known, but data in front of it is missing.
  bool fin_is_early() const { return fin_known && !fin_received; }
  bool fin_is_next() const { return fin_is_early() && fin_at == nxt; }
  void take_fin() {
    ++nxt;
    edge = later(edge, nxt);
    fin_received = true;
  }

 private:
  static std::uint32_t microseconds_of(Instant now) {
    return static_cast<std::uint32_t>(now.ns / 1000);
  }

  std::uint32_t read_bytes_ = 0;  // in this measurement
  std::uint32_t read_from_us_ = 0;
};
static_assert(sizeof(ReceiveState) <= 32);

}  // namespace fata::tcp
