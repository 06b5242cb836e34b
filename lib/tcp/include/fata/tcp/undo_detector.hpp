// UndoDetector: whether an assumed loss was spurious, that is, caused by reordering or delay, so
// that the window reduction must be undone. It finds out by timestamps (Eifel, RFC 3522) or because
// D-SACKs report all retransmissions as duplicates (RFC 3708).
#pragma once

#include <algorithm>

#include "fata/tcp/segment.hpp"

namespace fata::tcp {

// 13 bytes, with padding 16.
class UndoDetector {
 public:
  // A loss is assumed, and the window is reduced. `may_undo`: the former window is known.
  void start(Seq una, bool may_undo) {
    from_ = una;
    bytes_ = 0;
    first_ms_ = 0;
    may_undo_ = may_undo;
  }
  // The reduction was undone.
  void stop() { may_undo_ = false; }

  // Lost data is sent again. `now_ms`: by the clock of our timestamps.
  void on_retransmission(std::uint32_t bytes, std::uint32_t now_ms) {
    if (first_ms_ == 0) first_ms_ = std::max<std::uint32_t>(now_ms, 1);
    bytes_ += bytes;
  }
  // The first ACK since the loss that advances SND.UNA over retransmitted data echoes this send
  // time. True if the peer has received the original transmission.
  bool is_spurious(std::uint32_t echo_ms) const {
    return may_undo_ && first_ms_ != 0 && before(echo_ms, first_ms_);
  }
  // The peer has received `range` twice. True if all retransmissions were duplicates.
  [[nodiscard]] bool on_dsack(SeqRange range) {
    if (!may_undo_ || before(range.begin, from_)) return false;
    bytes_ -= std::min(bytes_, range.size());
    return bytes_ == 0;
  }

 private:
  Seq from_ = 0;                // SND.UNA when the loss was assumed
  std::uint32_t bytes_ = 0;     // retransmitted since and not reported as duplicate
  std::uint32_t first_ms_ = 0;  // when the first of them was sent; 0: none yet
  bool may_undo_ = false;
};
static_assert(sizeof(UndoDetector) <= 16);

}  // namespace fata::tcp
