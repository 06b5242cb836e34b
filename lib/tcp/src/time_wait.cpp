// TIME-WAIT (RFC 9293 section 3.10.7.4, RFC 1337, RFC 6191): a closed connection's numbers, kept in
// few bytes.
#include "fata/tcp/table.hpp"

namespace fata::tcp {

namespace {
constexpr std::size_t kTimeWaitCost = sizeof(TimeWait) + 32;

// RFC 9293 section 3.10.7.4, first check: part of the segment lies in the window.
bool in_window(const TimeWait& wait, const Segment& segment) {
  const Seq begin = segment.header.seq - wait.rcv_nxt;
  const Seq last = segment.end() - wait.rcv_nxt - 1;
  if (segment.end() == segment.header.seq) return begin < wait.window || begin == 0;
  return begin < wait.window || last < wait.window;
}
}  // namespace

void Table::begin_time_wait(const Connection& former, const LastNumbers& numbers, Instant now) {
  if (config_.time_wait == 0 || config_.time_wait_time.ns <= 0) return;
  if (time_waits_ >= config_.time_wait || !memory_.take(kTimeWaitCost, memory_.limit() / 8)) {
    // Replace the oldest entry; its time is nearly over.
    count_up(kTimeWaitDropped);
    if (waits_.empty()) return;
    drop(waits_.front());
    if (!memory_.take(kTimeWaitCost)) return;
  }
  auto* wait = new TimeWait(former, numbers);
  wait->began = now;
  wait->until = now + config_.time_wait_time;
  ++time_waits_;
  add(*wait);
  waits_.push_back(*wait);
}

void Table::receive_time_wait(TimeWait& wait, Segment& segment, const ip::Packet& packet,
                              Instant now) {
  const Header& header = segment.header;
  // RFC 1337: a reset, which may be old, does not end TIME-WAIT.
  if (header.has(kRst)) return;
  const bool stamped = wait.timestamps && header.options.has_timestamps;
  if (header.has(kSyn) && !header.has(kAck)) {
    // RFC 6191: a SYN that is certainly newer may open a new connection.
    const bool newer = stamped && header.options.ts_value != wait.ts_recent
                           ? after(header.options.ts_value, wait.ts_recent)
                           : after(header.seq, wait.rcv_nxt);
    Listener* const listener = newer ? listener_at(wait.local) : nullptr;
    if (listener != nullptr) {
      const Seq least = wait.snd_nxt + 65535 + 2;
      count_up(kTimeWaitReused);
      drop(wait);
      return receive_at_listener(*listener, segment, packet, now, least);
    }
  } else if (segment.length == 0 && !header.has(kFin | kSyn) && header.seq == wait.rcv_nxt) {
    return;  // an ACK without new information
  }
  const bool old = stamped && before(header.options.ts_value, wait.ts_recent);
  // The fifth check: an acceptable segment without an ACK is dropped.
  if (!header.has(kSyn | kAck) && !old && in_window(wait, segment)) return;
  // An ACK of unsent data is a guess (RFC 5961 section 5.2) and does not extend TIME-WAIT.
  const bool known = header.has(kAck) && !after(header.ack, wait.snd_nxt);
  if (header.has(kFin) && known && !old && segment.end() == wait.rcv_nxt) {
    // The peer did not receive our last ACK.
    wait.until = now + config_.time_wait_time;
    waits_.push_back(wait);
  }
  if (!may_challenge(wait, now)) return;
  Header answer;
  answer.source_port = wait.local.port;
  answer.destination_port = wait.remote.port;
  answer.seq = wait.snd_nxt;
  answer.ack = wait.rcv_nxt;
  answer.flags = kAck;
  answer.window = static_cast<std::uint16_t>(wait.window >> wait.shift);
  if (wait.timestamps) {
    answer.options.has_timestamps = true;
    answer.options.ts_value = timestamp_clock(now) + wait.ts_offset;
    answer.options.ts_echo = wait.ts_recent;
  }
  send_segment(answer, wait.local.address, wait.remote.address, false, ip::Marks{}, now);
}

// For an active open: after a second, the peer's timestamps distinguish it from the old connection.
bool Table::may_reuse(const TimeWait& wait, Instant now) const {
  return wait.timestamps && now - wait.began > seconds(1);
}

void Table::drop(TimeWait& wait) {
  remove(wait);
  --time_waits_;
  memory_.give(kTimeWaitCost);
  delete &wait;
}

}  // namespace fata::tcp
