#include "fata/tcp/connection.hpp"

#include <algorithm>

#include "fata/sig/flow_error.hpp"
#include "fata/tcp/table.hpp"

namespace fata::tcp {

namespace {
constexpr Duration kFirstDataWait = milliseconds(1);
}  // namespace

std::string_view name(State state) {
  static constexpr std::array<std::string_view, 11> names{
      "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
      "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};
  return names[static_cast<std::size_t>(state)];
}

const ErrorDomain& error_domain(TcpErrc) noexcept {
  static constexpr ErrorDomain domain{"tcp", [](std::uint32_t code) -> std::string_view {
                                        static constexpr std::array<std::string_view, 7> messages{
                                            "unknown",
                                            "the peer does not answer",
                                            "out of memory",
                                            "the port is in use",
                                            "no port is free",
                                            "not an address of this host",
                                            "too many connections"};
                                        return messages[code < messages.size() ? code : 0];
                                      }};
  return domain;
}

void Segment::trim_front(std::uint32_t count) {
  header.seq += count;
  length -= count;
  const std::size_t first = std::min<std::size_t>(count, payload.size());
  payload.trim_front(first);
  if (first == count) return;
  std::size_t rest = count - first;
  BufferChain kept;
  for (Slice& piece : more.pieces()) {
    const std::size_t cut = std::min(rest, piece.size());
    rest -= cut;
    piece.trim_front(cut);
    kept.push(std::move(piece));
  }
  more = std::move(kept);
}

void Segment::truncate(std::uint32_t to) {
  length = to;
  if (to <= payload.size()) {
    payload.truncate(to);
    more.clear();
  } else if (!more.empty()) {
    more.truncate(to - payload.size());
  }
}

Connection::Connection(Table& table, const Endpoint& here, const Endpoint& there,
                       const FlowOptions& options)
    : Entry(Kind::kConnection, here, there),
      table_(&table),
      board_(&table.memory_),
      congestion_(options.congestion, 536),
      options_(options) {
  rcv_.limit = table.config_.receive_first;
}

Connection::~Connection() {
  send_.clear(table_->memory_);
  receive_.clear(table_->memory_);
  drop_out_of_order();
  board_.clear();
}

ConnectionStats Connection::stats() const {
  return {local,
          remote,
          state_,
          congestion_.cwnd(),
          congestion_.ssthresh(),
          board_.in_flight(),
          rtt_.srtt(),
          rto(),
          retransmits_,
          send_.size(),
          receive_.size(),
          reorder_ == nullptr ? 0 : reorder_->bytes(),
          snd_.wnd,
          rcv_.window(),
          mss_,
          acked_out_,
          delivered_in_};
}

void Connection::refresh_path(Instant now) {
  path_checked_s_ = seconds_of(now);
  [[clang::uninitialized]] const std::optional<ip::Path> path =
      table_->ip_->path(remote.address, local.address);
  if (!path) return;
  mtu_ = static_cast<std::uint16_t>(std::min<std::size_t>(path->mtu, 65535));
  checksum_ = path->checksum;
  may_fragment_ = yields_to_fragments();
  gso_max_ = path->checksum && !may_fragment_ ? path->gso_max : 0;
  gso_segments_ = path->gso_segments;
  link_ = path->link;
  set_mss();
}

// RFC 6691: the options of each segment reduce its data.
void Connection::set_mss() {
  std::uint32_t most = std::min<std::uint32_t>(peer_mss_, mss_of_mtu(remote.address, mtu_));
  if (mtu_search_.has_begun()) most = mtu_search_.limit(static_cast<std::uint16_t>(most));
  const auto mss = static_cast<std::uint16_t>(most - (timestamps_ ? 12 : 0));
  if (mss == mss_) return;
  mss_ = mss;
  congestion_.set_mss(mss_);
}

void Connection::open(Observer* observer, Instant now) {
  observer_ = observer;
  const InitialNumbers::Numbers numbers = table_->numbers_.choose(local, remote, now);
  ts_offset_ = numbers.timestamp_offset;
  snd_.start(numbers.isn);
  recover_ = snd_.iss;
  ecn_.start(snd_.iss);
  send_.start(snd_.nxt);
  rcv_.shift = table_->config_.window_scaling ? table_->config_.window_shift : 0;
  state_ = State::kSynSent;
  refresh_path(now);
  congestion_.set_mss(mss_);
  if (options_.fast_open) {
    const auto known = table_->fast_open_cache().find(remote, now);
    fast_open_ = known.has_value();
    if (known && !known->cookie.is_request()) {
      // The first data should go in the SYN; if it is not written soon, the SYN is sent alone.
      syn_deferred_ = true;
      pace_at_ = now + kFirstDataWait;
      return arm();
    }
  }
  start_handshake(now);
}

void Connection::start_handshake(Instant now) {
  syn_deferred_ = false;
  send_syn(now);
  restart_retransmit_timer(now);
}

void Connection::open_passively(const PassiveOpen& how, const Header& syn, Instant now) {
  passive_ = true;
  listener = how.listener;
  ts_offset_ = how.ts_offset;
  snd_.start(how.iss);
  recover_ = snd_.iss;
  ecn_.start(snd_.iss);
  ecn_.negotiated(how.ecn);
  send_.start(snd_.nxt);
  rcv_.start(syn.seq);
  rcv_.offer(rcv_.syn_window());
  acks_.start(rcv_.nxt);
  receive_.start(rcv_.nxt);
  snd_.on_syn(syn);
  state_ = State::kSynReceived;
  last_received_ = now;
  ts_recent_at_s_ = seconds_of(now);
  rcv_.shift = table_->config_.window_scaling ? table_->config_.window_shift : 0;
  peer_options(syn.options);
  refresh_path(now);
}

bool Connection::complete_handshake(Segment& segment, std::optional<Duration> round_trip,
                                    Instant now) {
  if (round_trip) {
    rtt_.sample(*round_trip, now);
  } else {
    attempts_ = 1;
  }
  receive(segment, now);
  return offered_;
}

void Connection::accept_early_data(Segment& syn, Instant now) {
  fast_open_ = offered_ = true;
  table_->offer(*this);
  syn.header.seq += 1;
  syn.header.flags &= static_cast<std::uint8_t>(~(kSyn | kFin));
  if (syn.length != 0) receive_data(syn, now);
  send_syn(now);
  restart_retransmit_timer(now);
}

// RFC 7323, 2018: an option is in use only if both SYNs had it.
void Connection::peer_options(const Options& theirs) {
  const Config& ours = table_->config_;
  timestamps_ = ours.timestamps && theirs.has_timestamps;
  sack_ = ours.sack && theirs.sack_permitted;
  scaling_ = ours.window_scaling && theirs.has_window_scale;
  snd_.shift = scaling_ ? theirs.window_scale : 0;
  if (!scaling_) rcv_.shift = 0;
  if (timestamps_) ts_recent_ = theirs.ts_value;
  // RFC 9293 section 3.7.1 MUST-15.
  peer_mss_ = theirs.mss == 0 ? (remote.address.is_v4() ? 536 : 1220)
                              : std::max<std::uint16_t>(theirs.mss, kMinPeerMss);
  small_peer_ = peer_mss_ <= kMinCookieMss;
  // Timestamps reduce the segments' data: without this correction, two segments would count as less
  // than two full ones, and only every third would be acknowledged.
  rcv_.mss =
      static_cast<std::uint16_t>(std::min<std::uint16_t>(peer_mss_, 1460) - (timestamps_ ? 12 : 0));
  set_mss();
}

void Connection::become_established(Instant now) {
  if (is_pending_fast_open()) --table_->pending_fast_opens_;
  state_ = fin_queued_ ? State::kFinWait1 : State::kEstablished;
  if (attempts_ != 0) {
    congestion_.syn_was_lost();
    rtt_.syn_was_lost();
  }
  attempts_ = 0;
  soft_error_ = false;
  restart_retransmit_timer(now);
  rcv_.start_measuring(now);
  refresh_path(now);
  touch_life_timer(now);
  table_->mark(*this);
  if (passive_ && !offered_) {
    offered_ = true;
    table_->offer(*this);
  } else {
    notify(Observer::kConnected | Observer::kWritable);
  }
}

std::size_t Connection::reserve() const {
  // Each flow may use its minimum even if memory is low; above it, some memory is left for others.
  return send_.size() + receive_.size() < std::size_t{4} * mss_ ? 0 : table_->memory_.limit() / 16;
}

std::size_t Connection::room() const {
  const Config& config = table_->config_;
  std::uint32_t limit = std::clamp(2 * congestion_.cwnd(), config.send_first, config.send_max);
  if (table_->memory_.low_on_buffers())
    limit = std::min<std::uint32_t>(limit, std::max(4U * mss_, congestion_.cwnd()));
  return limit > send_.size() ? limit - send_.size() : 0;
}

bool Connection::can_write() const {
  return !fin_queued_ && (state_ == State::kEstablished || state_ == State::kCloseWait ||
                          state_ == State::kSynSent || state_ == State::kSynReceived);
}

std::size_t Connection::write(Slice& data, Instant now) {
  if (!can_write()) return 0;
  const std::size_t size = data.size();
  const std::size_t count = std::min(room(), size);
  std::size_t taken = 0;
  if (count != 0) {
    Slice part = count == size ? std::move(data) : data.part(0, count);
    do {
      taken = send_.push(part, table_->memory_, reserve());
    } while (taken == 0 && reserve() == 0 && table_->make_room_for(remote.address, this));
    if (count == size) {
      data = std::move(part);
    } else {
      data.trim_front(taken);
    }
  }
  if (taken != size) {
    write_blocked_ = true;
    // There is no notification when memory held by others is freed, so check again after a delay.
    if (taken < count) {
      pace_at_ = std::min(pace_at_, now + milliseconds(20));
      arm();
    }
  }
  return taken;
}

void Connection::push(Instant now) {
  if (syn_deferred_ && !send_.empty()) return start_handshake(now);
  if (may_send()) output(now);
}

Slice Connection::read(Instant now) {
  Slice slice = receive_.pop(table_->memory_);
  if (slice.empty()) return slice;
  const std::uint32_t limit = rcv_.on_read(static_cast<std::uint32_t>(slice.size()), rtt_.srtt(),
                                           table_->config_.receive_max, now);
  if (limit > rcv_.limit && !table_->memory_.low_on_buffers() && scaling_) rcv_.limit = limit;
  if (!rcv_.fin_received) consider_window_update(now);
  return slice;
}

void Connection::shutdown(Instant now) {
  if (fin_queued_ || gone()) return;
  switch (state_) {
    case State::kSynSent:
      // RFC 9293 section 3.10.4 allows waiting for the connection, so that written data is still
      // sent.
    case State::kSynReceived:
      fin_queued_ = true;
      return;
    case State::kEstablished:
      state_ = State::kFinWait1;
      break;
    case State::kCloseWait:
      state_ = State::kLastAck;
      break;
    default:
      return;
  }
  fin_queued_ = true;
  note_closing(now);
  output(now);
}

void Connection::abort(Instant now) { abort(Error(sig::FlowErrc::kReset), now); }

void Connection::abort(Error why, Instant now) {
  if (gone()) return;
  // RFC 9293 section 3.10.5: nothing is sent in SYN-SENT. It requires no reset in CLOSING and
  // LAST-ACK either, but a peer that missed our FIN would wait for it indefinitely.
  if (state_ >= State::kSynReceived) {
    table_->count_up(Table::kResetsSent);
    send_control(kRst | kAck, snd_.nxt, now);
  }
  fail(why);
}

void Connection::fail(Error why) {
  if (gone()) return;
  error_ = why;
  failed_ = true;
  close();
}

void Connection::close() {
  if (gone()) return;
  if (is_pending_fast_open()) --table_->pending_fast_opens_;
  state_ = State::kClosed;
  retransmit_timer_ = RetransmitTimer::kOff;
  retransmit_at_ = life_at_ = pace_at_ = Instant::never();
  disarm();
  Memory& memory = table_->memory_;
  send_.clear(memory);
  if (failed_) receive_.clear(memory);  // only a close in order leaves data to read
  drop_out_of_order();
  board_.clear();
  acks_.cancel();
  table_->on_closed(*this);
  notify(Observer::kEnded | Observer::kReadable | Observer::kWritable);
}

void Connection::release(Instant now) {
  observer_ = nullptr;
  if (gone()) return;
  if (state_ < State::kEstablished && (state_ == State::kSynSent || !passive_) && send_.empty())
    return abort(now);
  // When memory is scarce, a connection with much undelivered data is reset; a FIN costs nothing.
  const bool costly = table_->memory_.low_on_buffers() && send_.size() > 4U * mss_;
  if (!receive_.empty() || has_out_of_order() || table_->orphans_ >= table_->config_.orphans ||
      costly) {
    if (receive_.empty()) table_->count_up(Table::kOrphansReset);
    return abort(now);
  }
  orphan_ = true;
  ++table_->orphans_;
  table_->orphan_list_.push_back(*this);
  note_closing(now);
  shutdown(now);
  if (gone()) return;
  const Config& config = table_->config_;
  life_at_ = now + (state_ == State::kFinWait2 ? config.fin_wait_2 : config.orphan_max);
  arm();
}

// A compact entry answers from now on; data that the user may still read stays here.
void Connection::enter_time_wait(Instant now) {
  if (acks_.is_owed()) send_ack(now);
  close();
  state_ = State::kTimeWait;
  table_->begin_time_wait(
      *this, {snd_.nxt, rcv_.nxt, ts_recent_, ts_offset_, rcv_.window(), rcv_.shift, timestamps_},
      now);
}

void Connection::set_options(const FlowOptions& options, Instant now) {
  options_ = options;
  congestion_.set_algorithm(options.congestion);
  if (!synchronized()) return;
  touch_life_timer(now);
  output(now);
}

std::uint32_t Connection::timestamp(Instant now) const { return timestamp_clock(now) + ts_offset_; }

}  // namespace fata::tcp
