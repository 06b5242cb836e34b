// SendState: the send sequence variables of a connection (RFC 9293 section 3.3.1).
#pragma once

#include <algorithm>

#include "fata/tcp/segment.hpp"

namespace fata::tcp {

// 32 bytes. Windows are in bytes.
struct SendState {
  Seq iss = 0;                // of our SYN
  Seq una = 0;                // SND.UNA: the oldest unacknowledged sequence number
  Seq nxt = 0;                // SND.NXT
  std::uint32_t wnd = 0;      // SND.WND
  std::uint32_t max_wnd = 0;  // MAX.SND.WND: the largest SND.WND so far (RFC 5961 section 5.2)
  Seq wl1 = 0;                // SEG.SEQ and SEG.ACK of the last window update
  Seq wl2 = 0;
  std::uint8_t shift = 0;  // Snd.Wind.Shift (RFC 7323 section 2.3)

  // The state after our SYN, which takes one sequence number.
  void start(Seq isn) {
    iss = una = wl2 = isn;
    nxt = isn + 1;
  }
  // Our SYN is acknowledged.
  void on_syn_acked() { una = iss + 1; }

  // The window of the peer's SYN, which is never scaled (RFC 7323 section 2.2).
  void on_syn(const Header& syn) {
    wnd = max_wnd = syn.window;
    wl1 = syn.seq;
    if (syn.has(kAck)) wl2 = syn.ack;
  }
  // A segment's window in bytes.
  std::uint32_t scaled(const Header& header) const { return std::uint32_t{header.window} << shift; }
  void set_window(const Header& header) {
    wnd = scaled(header);
    max_wnd = std::max(max_wnd, wnd);
    wl1 = header.seq;
    wl2 = header.ack;
  }
  // RFC 9293 section 3.10.7.4, fifth check: takes the window unless the segment is older than the
  // last update. True if SND.WND has changed.
  bool update_window(const Header& header) {
    if (!(before(wl1, header.seq) || (wl1 == header.seq && at_or_before(wl2, header.ack))))
      return false;
    const std::uint32_t former = wnd;
    set_window(header);
    return wnd != former;
  }

  // RFC 5961 section 5.2: acknowledges sent data, and is not older than the largest window.
  bool plausible_ack(Seq ack) const {
    return !after(ack, nxt) && !before(ack, una - std::max(max_wnd, std::uint32_t{1}));
  }
  // Sent and not acknowledged.
  bool is_outstanding(Seq seq) const { return !before(seq, una) && before(seq, nxt); }
  // RFC 9293 section 3.8.6.2.1: bytes that the peer's window allows to send now.
  std::uint32_t usable_window() const {
    const Seq edge = una + wnd;
    return after(edge, nxt) ? edge - nxt : 0;
  }
};

}  // namespace fata::tcp
