// A connection's segment processing (RFC 9293 section 3.10.7, RFC 5961, RFC 7323).
#include <algorithm>

#include "fata/sig/flow_error.hpp"
#include "fata/tcp/connection.hpp"
#include "fata/tcp/table.hpp"

namespace fata::tcp {

namespace {
constexpr std::uint32_t kIdleOfPaws = 24 * 24 * 3600;  // RFC 7323 section 5.5
constexpr std::uint8_t kUnknownNextHeader = 1;         // of an ICMPv6 parameter problem
}  // namespace

void Connection::challenge(Instant now) {
  if (!table_->may_challenge(*this, now)) return;
  table_->count_up(Table::kChallenges);
  send_ack(now);
}

bool Connection::paws_rejects(const Segment& segment, Instant now) const {
  const Options& options = segment.header.options;
  return before(options.ts_value, ts_recent_) && seconds_of(now) - ts_recent_at_s_ < kIdleOfPaws;
}

void Connection::receive(Segment& segment, Instant now) {
  const Header& header = segment.header;
  if (state_ == State::kSynSent) return receive_in_syn_sent(segment, now);
  if (timestamps_ && !header.has(kRst)) {
    // RFC 7323 sections 3.2 and 5.3.
    if (!header.options.has_timestamps) {
      if (!header.has(kSyn)) return table_->count_up(Table::kNoTimestamp);
    } else if (paws_rejects(segment, now) && !header.has(kSyn)) {
      table_->count_up(Table::kPaws);
      return challenge(now);
    }
  }
  if (state_ == State::kSynReceived && header.has(kSyn) && !header.has(kRst) &&
      header.seq == rcv_.irs) {
    // The peer did not receive our SYN, or this is the other half of a simultaneous open.
    if (!header.has(kAck)) return send_syn(now);
  } else if (!rcv_.acceptable(header.seq, segment.end() - header.seq)) {
    table_->count_up(Table::kOutOfWindow);
    if (header.has(kRst)) return;
    if (segment.length != 0 && before(header.seq, rcv_.nxt)) {
      table_->count_up(Table::kDuplicates);
      if (sack_) dsack_ = {header.seq, earlier(segment.end(), rcv_.nxt)};
      // The sender lacks our ACKs: answer at once. A data segment cannot be part of an ACK war.
      return send_ack(now);
    }
    return challenge(now);
  }
  if (header.has(kRst)) {
    // RFC 5961 section 3.2.
    if (header.seq != rcv_.nxt) return challenge(now);
    table_->count_up(Table::kResetsReceived);
    const bool refused = state_ == State::kSynReceived && !passive_;
    return fail(Error(refused ? sig::FlowErrc::kRefused : sig::FlowErrc::kReset));
  }
  if (header.has(kSyn) && header.seq != rcv_.irs) return challenge(now);  // RFC 5961 section 4.2
  if (!header.has(kAck)) return;
  // A segment whose ACK covers nothing we sent is ignored entirely: its timestamp, which would make
  // the peer's next segments look old, its data, and its sign of life.
  if (state_ == State::kSynReceived) [[unlikely]] {
    if (!end_handshake(segment, now)) return;
  } else if (!snd_.plausible_ack(header.ack) || header.has(kSyn)) [[unlikely]] {
    // RFC 5961 section 5.2; a SYN here is the known one.
    if (!header.has(kSyn)) table_->count_up(Table::kBadAck);
    return challenge(now);
  } else {
    note_arrival(header, now);
    if (!process_ack(segment, now)) return;
  }
  if (gone()) return;
  if (ecn_.on_segment(header.has(kCwr), segment.ecn == ip::Ecn::kCongested)) acks_.require();
  const bool fin = header.has(kFin);
  if (segment.length != 0 || fin) {
    receive_data(segment, now);
    if (gone()) return;
  }
  table_->mark(*this);
}

// RFC 9293 section 3.10.7.4, fifth check, in SYN-RECEIVED. False if the ACK does not cover our SYN.
bool Connection::end_handshake(Segment& segment, Instant now) {
  const Header& header = segment.header;
  if (!after(header.ack, snd_.una) || after(header.ack, snd_.nxt)) {
    table_->send_reset(segment, local, remote, now);
    return false;
  }
  if (header.has(kSyn)) {
    // A SYN-ACK of a simultaneous open: its SYN was already processed.
    segment.header.seq = rcv_.nxt;
    segment.header.flags &= static_cast<std::uint8_t>(~kSyn);
    acks_.require();
  }
  snd_.on_syn_acked();
  snd_.set_window(header);
  note_arrival(header, now);
  become_established(now);
  if (gone() || !process_ack(segment, now)) return false;
  // Simultaneous open: data in the SYN that the peer did not accept is sent again; that is not a
  // sign of congestion.
  if (!passive_) board_.mark_all_lost();
  return true;
}

// Records the timestamp of an acceptable segment (RFC 7323 section 4.3) and that the peer is alive.
void Connection::note_arrival(const Header& header, Instant now) {
  if (header.options.has_timestamps && timestamps_ && at_or_before(header.seq, acks_.last_sent()) &&
      at_or_after(header.options.ts_value, ts_recent_)) {
    ts_recent_ = header.options.ts_value;
    ts_recent_at_s_ = seconds_of(now);
  }
  last_received_ = now;
  probes_ = 0;
}

void Connection::receive_data(Segment& segment, Instant now) {
  const Header& header = segment.header;
  if (state_ > State::kFinWait2) {
    // Nothing valid follows the peer's FIN.
    if (segment.length != 0 || header.has(kFin)) acks_.require();
    return;
  }
  if (orphan_ && segment.length != 0 && after(segment.header.seq + segment.length, rcv_.nxt)) {
    // No user is left to read this data (RFC 2525 section 2.17).
    return abort(now);
  }
  bool fin = header.has(kFin);
  if (before(header.seq, rcv_.nxt)) {
    const std::uint32_t known = rcv_.nxt - header.seq;
    if (segment.length != 0) {
      table_->count_up(Table::kDuplicates);
      if (sack_) dsack_ = {header.seq, rcv_.nxt};
      acks_.require();
    }
    segment.trim_front(std::min(known, segment.length));
    segment.header.seq = rcv_.nxt;
  }
  const std::uint32_t room = rcv_.edge - header.seq;
  if (segment.length > room || before(rcv_.edge, header.seq)) {
    segment.truncate(before(rcv_.edge, header.seq) ? 0 : room);
    fin = false;
    acks_.require();
  }
  const bool fin_again = fin && !rcv_.on_fin(header.seq + segment.length);
  if (fin && segment.length == 0) {
    acks_.require();
    if (sack_ && fin_again) dsack_ = {rcv_.fin_at, rcv_.fin_at + 1};
  }
  if (segment.length != 0) {
    const std::uint32_t most = peer_mss_ - (timestamps_ ? 12U : 0U);
    rcv_.mss = static_cast<std::uint16_t>(
        std::max<std::uint32_t>(rcv_.mss, std::min<std::uint32_t>(segment.length, most)));
    if (header.seq == rcv_.nxt) {
      take_in_order(segment);
    } else {
      take_out_of_order(segment, fin_again);
    }
  }
  if (rcv_.fin_is_next()) receive_fin(now);
  if (!gone() && acks_.on_data(rcv_.nxt, rcv_.mss, now, table_->config_.delayed_ack)) send_ack(now);
}

// False if part of the piece found no room.
bool Connection::take_by_making_room(Slice& piece) {
  for (;;) {
    receive_.push(piece, table_->memory_, reserve());
    if (piece.empty()) return true;
    // Out-of-order data is dropped first, from the flow with the most. To provide the minimum that
    // a flow needs, orphans and connections of clients with many connections are reset too.
    const bool least = reserve() == 0;
    if (!(least ? table_->make_room_for(remote.address, this) : table_->make_room(false)))
      return false;
  }
}

void Connection::take_in_order(Segment& segment) {
  receive_.push(segment.payload, table_->memory_, reserve());
  bool whole = segment.payload.empty() || take_by_making_room(segment.payload);
  for (Slice& piece : segment.more.pieces()) {
    if (whole) whole = take_by_making_room(piece);
  }
  take_delivered();
  if (!whole) acks_.require();
  if (reorder_ != nullptr) deliver_reordered(segment.header.seq);
  notify(Observer::kReadable);
}

// Delivers stored data that a segment at `arrived` has put in order.
void Connection::deliver_reordered(Seq arrived) {
  if (reorder_->empty()) return drop_out_of_order();
  // RFC 2883: the first duplicate range. Its part before `arrived` may have been recorded already.
  const SeqRange twice = reorder_->first_below(rcv_.nxt);
  if (sack_ && twice.size() != 0 && (dsack_.size() == 0 || dsack_.end != arrived)) dsack_ = twice;
  reorder_->deliver(receive_, table_->memory_);
  table_->rank(*reorder_);
  if (reorder_->empty()) drop_out_of_order();
  take_delivered();
  acks_.on_hole_filled();
}

bool Connection::make_reorder_queue() {
  if (reorder_ != nullptr) return true;
  if (!table_->memory_.take(sizeof(ReorderQueue))) return false;
  reorder_ = std::make_unique<ReorderQueue>();
  return true;
}

void Connection::drop_out_of_order() {
  if (reorder_ == nullptr) return;
  reorder_->clear(table_->memory_);
  reorder_.reset();
  table_->memory_.give(sizeof(ReorderQueue));
}

void Connection::take_out_of_order(Segment& segment, bool fin_again) {
  table_->count_up(Table::kOutOfOrder);
  Memory& memory = table_->memory_;
  // Above three quarters, memory is scarce for new connections and for windows. Out-of-order data
  // only saves retransmissions and must not cause that.
  const std::size_t spare = memory.limit() / 16 * 5;
  const std::size_t most = ReorderQueue::max_for(rcv_.limit);
  Seq at = segment.header.seq;
  SeqRange twice{};  // RFC 2883: the first duplicate range
  const auto keep = [&](Slice piece) {
    const auto size = static_cast<std::uint32_t>(piece.size());
    if (size == 0) return true;
    const ReorderQueue::Outcome outcome =
        reorder_->insert(at, std::move(piece), memory, most, spare);
    if (twice.size() == 0) {
      twice = outcome.duplicate;
    } else if (outcome.duplicate.size() != 0 && outcome.duplicate.begin == twice.end) {
      twice.end = outcome.duplicate.end;
    }
    at += size;
    return outcome.kept + outcome.duplicate.size() >= size;
  };
  bool all = make_reorder_queue() && keep(std::move(segment.payload));
  for (Slice& piece : segment.more.pieces()) {
    if (all) all = keep(std::move(piece));
  }
  if (reorder_ != nullptr) table_->rank(*reorder_);
  if (fin_again && twice.size() != 0 && twice.end == rcv_.fin_at) ++twice.end;
  if (sack_ && twice.size() != 0) dsack_ = twice;
  if (!all) table_->count_up(Table::kOutOfOrderDropped);
  if (acks_.on_out_of_order(sack_)) send_ack(last_received_);
}

void Connection::receive_fin(Instant now) {
  rcv_.take_fin();
  acks_.require();
  drop_out_of_order();
  switch (state_) {
    case State::kEstablished:
      state_ = State::kCloseWait;
      break;
    case State::kFinWait1:
      if (fin_is_acked()) return enter_time_wait(now);
      state_ = State::kClosing;
      break;
    case State::kFinWait2:
      return enter_time_wait(now);
    default:
      break;
  }
  notify(Observer::kReadable);
}

// RFC 9293 section 3.10.7.3.
void Connection::receive_in_syn_sent(Segment& segment, Instant now) {
  const Header& header = segment.header;
  const bool ack = header.has(kAck);
  if (ack && (at_or_before(header.ack, snd_.iss) || after(header.ack, snd_.nxt))) {
    if (!header.has(kRst)) table_->send_reset(segment, local, remote, now);
    return;
  }
  if (header.has(kRst)) {
    if (!ack) return;
    table_->count_up(Table::kResetsReceived);
    if (fast_open_) table_->fast_open_cache().failed(remote, now);
    return fail(Error(sig::FlowErrc::kRefused));
  }
  if (!header.has(kSyn)) return;
  rcv_.start(header.seq);
  acks_.start(rcv_.nxt);
  receive_.start(rcv_.nxt);
  ts_recent_at_s_ = seconds_of(now);
  last_received_ = now;
  peer_options(header.options);
  ecn_.negotiated(table_->config_.ecn_ask && header.has(kEce) && !header.has(kCwr) && ack);
  snd_.on_syn(header);
  if (!ack) {
    // Simultaneous open. Data sent with our SYN is still outstanding: the peer may have accepted
    // it.
    state_ = State::kSynReceived;
    fast_open_ = false;
    send_syn(now);
    return;
  }
  if (attempts_ == 0) rtt_.sample(now - last_sent_, now);
  snd_.on_syn_acked();
  acks_.require();
  if (fast_open_) {
    const auto cookie = header.options.has_cookie
                            ? FastOpenCookie::of(header.options.cookie_bytes())
                            : std::nullopt;
    if (cookie && !cookie->is_request())
      table_->fast_open_cache().learn(remote, *cookie, header.options.mss, now);
  }
  if (!board_.empty()) {
    // Data was sent with the SYN. Any part not accepted is sent again; that is not a sign of
    // congestion.
    Delivery got;
    board_.acked(header.ack, now, std::nullopt, {}, got);
    send_.drop_before(header.ack, table_->memory_);
    snd_.una = header.ack;
    board_.mark_all_lost();
  }
  become_established(now);
  segment.header.flags &= static_cast<std::uint8_t>(~kSyn);
  segment.header.seq += 1;
  // The SYN-ACK may carry data or a FIN.
  if (!gone() && (segment.length != 0 || header.has(kFin))) {
    rcv_.offer(rcv_.limit);
    receive_data(segment, now);
  }
}

// RFC 9293 section 3.9.2.2: hard errors (port or protocol unreachable) refuse a connection. An
// unknown next header, which the IPv6 layer reports like these, is a parameter problem and
// therefore soft.
bool Connection::is_hard(const ip::IcmpError& error) const {
  const bool next_header = !remote.address.is_v4() && error.code == kUnknownNextHeader;
  return error.kind == ip::IcmpError::Kind::kPortUnreachable && !next_header;
}

// RFC 5927: only errors that quote outstanding data are accepted, and none ends an established
// connection. A soft error does not even end a connection attempt (MUST-56); it only determines the
// error reported by a later timeout.
void Connection::icmp_error(const ip::IcmpError& error, Instant now) {
  const Seq seq = load_be<std::uint32_t>(error.quoted.subspan(4));
  if (!snd_.is_outstanding(seq)) return table_->count_up(Table::kIcmpIgnored);
  if (error.kind == ip::IcmpError::Kind::kTooBig) return hear_too_big(error, seq, now);
  table_->count_up(Table::kIcmpTaken);
  if (!synchronized() && is_hard(error)) return fail(Error(sig::FlowErrc::kRefused));
  soft_error_ = true;
}

}  // namespace fata::tcp
