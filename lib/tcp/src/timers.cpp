// A connection's timers: retransmission (RFC 6298), tail loss probe (RFC 8985 section 7), window
// probe (RFC 9293 section 3.8.6.1), keepalive (section 3.8.4), delayed ACK (section 3.8.6.3).
#include <algorithm>

#include "fata/sig/flow_error.hpp"
#include "fata/tcp/connection.hpp"
#include "fata/tcp/table.hpp"

namespace fata::tcp {

namespace {
constexpr Duration kWorstDelayedAck = milliseconds(200);  // of peers (RFC 8985 section 7.2)
}

Duration Connection::rto() const { return rtt_.rto(table_->config_.rto); }

void Connection::arm() {
  const Instant next = std::min({retransmit_at_, acks_.deadline(), life_at_, pace_at_});
  if (next.is_never()) return;
  // A timer that fires early is rearmed, so deadlines that move with every ACK cost nothing.
  if (!armed() || deadline() > next) table_->timers_.arm(*this, next);
}

void Connection::on_timer() noexcept { run_timers(table_->now_); }

void Connection::run_timers(Instant now) {
  if (gone()) return;
  if (acks_.on_timer(now)) send_ack(now);
  if (pace_at_ <= now) {
    pace_at_ = Instant::never();
    if (syn_deferred_) start_handshake(now);
    if (write_blocked_ && room() != 0) {
      write_blocked_ = false;
      notify(Observer::kWritable);
    }
    output(now);
  }
  if (retransmit_at_ <= now) on_retransmit_timer(now);
  if (!gone() && life_at_ <= now) on_life_timer(now);
  if (!gone()) arm();
}

void Connection::restart_retransmit_timer(Instant now) {
  if (state_ == State::kSynSent || state_ == State::kSynReceived) {
    retransmit_timer_ = RetransmitTimer::kTimeout;
    retransmit_at_ = now + std::min(rto(), time_to_give_up(now));
    return arm();
  }
  if (board_.empty()) {
    retransmit_timer_ = RetransmitTimer::kOff;
    retransmit_at_ = Instant::never();
    // Data waits and nothing is outstanding: the window is closed or too small.
    if (unsent() != 0 || (fin_queued_ && !fin_sent_)) {
      retransmit_timer_ = RetransmitTimer::kWindowProbe;
      retransmit_at_ = now + std::min(rto(), time_to_give_up(now));
      arm();
    }
    return;
  }
  Duration wait = std::min(rto(), time_to_give_up(now));
  retransmit_timer_ = probing_ ? RetransmitTimer::kWindowProbe : RetransmitTimer::kTimeout;
  // RFC 8985 section 7.2.
  if (sack_ && !probing_ && recovery_ == Recovery::kOpen && board_.sacked() == 0 &&
      tail_probe_.may_be_scheduled() && attempts_ == 0 && rtt_.has_sample()) {
    Duration probe = rtt_.srtt() * 2;
    probe = probe + (board_.outstanding() <= mss_ ? kWorstDelayedAck : milliseconds(2));
    // If the timeout would come first, the probe replaces it.
    retransmit_timer_ = RetransmitTimer::kTailProbe;
    wait = std::min(probe, wait);
  }
  retransmit_at_ = now + wait;
  arm();
}

void Connection::on_retransmit_timer(Instant now) {
  const RetransmitTimer timer = retransmit_timer_;
  retransmit_timer_ = RetransmitTimer::kOff;
  retransmit_at_ = Instant::never();
  switch (timer) {
    case RetransmitTimer::kOff:
      return;
    case RetransmitTimer::kTimeout:
      return on_timeout(now);
    case RetransmitTimer::kTailProbe:
      return on_tail_probe(now);
    case RetransmitTimer::kWindowProbe:
      return on_window_probe(now);
    case RetransmitTimer::kReorder: {
      const std::uint32_t flight = board_.outstanding() - board_.sacked();
      const Scoreboard::Detection found =
          board_.detect(now, rtt_.min_rtt(), rtt_.srtt(), mss_, recovery_ != Recovery::kOpen);
      if (found.bytes != 0 && recovery_ == Recovery::kOpen) {
        enter_recovery(flight);
        congestion_.set_cwnd(prr_.on_ack(0, pipe(), congestion_.ssthresh(), mss_, false));
      } else if (found.bytes != 0 && recovery_ == Recovery::kRecovery) {
        congestion_.set_cwnd(prr_.on_ack(0, pipe(), congestion_.ssthresh(), mss_, false));
      }
      restart_retransmit_timer(now);
      if (found.wait.ns != 0 && now + found.wait < retransmit_at_) {
        retransmit_timer_ = RetransmitTimer::kReorder;
        retransmit_at_ = now + found.wait;
      }
      return output(now);
    }
  }
}

// The remaining time that the peer may stay silent; practically unlimited if the user has set no
// timeout, because the attempts are limited too.
Duration Connection::time_to_give_up(Instant now) const {
  if (options_.user_timeout_s == 0) return seconds(1 << 20);
  const std::uint32_t silent = attempts_ == 0 ? 0 : timestamp_clock(now) - silent_from_ms_;
  return milliseconds(
      std::max<std::int64_t>(std::int64_t{options_.user_timeout_s} * 1000 - silent, 0));
}

// The error for a silent peer (RFC 9293 section 3.9.2.2 SHLD-25): unreachable if ICMP reported that
// since its last answer.
Error Connection::silence() const {
  return soft_error_ ? Error(sig::FlowErrc::kUnreachable) : Error(TcpErrc::kTimedOut);
}

void Connection::note_closing(Instant now) {
  closing_una_ = snd_.una;
  closing_from_s_ = static_cast<std::uint16_t>(seconds_of(now));
}

// Whether the application has closed and the peer has acknowledged nothing for Config::closing,
// during which it may keep its window closed. Its answers do not extend this time, because no user
// waits.
bool Connection::closed_for_too_long(Instant now) {
  if (!fin_queued_) return false;
  if (snd_.una != closing_una_) note_closing(now);
  return seconds(quiet_s(now)) >= table_->config_.closing;
}

void Connection::on_timeout(Instant now) {
  const Config& config = table_->config_;
  const bool opening = !synchronized();
  const std::uint8_t most = opening ? (passive_ ? config.syn_ack_retries : config.syn_retries)
                                    : (orphan_ ? config.orphan_retries : config.retries);
  if (attempts_ >= most || time_to_give_up(now).ns == 0) {
    table_->count_up(Table::kGaveUp);
    return fail(silence());
  }
  table_->count_up(Table::kTimeouts);
  const bool first = attempts_++ == 0;
  if (first)
    silent_from_ms_ = timestamp_clock(now) - static_cast<std::uint32_t>(rto().ns / 1'000'000);
  rtt_.back_off();
  refresh_path(now);
  if (attempts_ >= 2) table_->ip_->doubt_reachable(remote.address, now);
  if (opening) {
    ++retransmits_;
    send_syn(now);
    return restart_retransmit_timer(now);
  }
  if (snd_.wnd == 0) {
    --attempts_;
    return on_window_probe(now);
  }
  if (board_.empty()) return restart_retransmit_timer(now);
  const std::uint16_t mtu = mtu_search_.take_doubted_mtu();
  if (mtu != 0 && snd_.is_outstanding(mtu_search_.doubted_at())) believe_too_big(mtu, now);
  if (mtu_search_.is_probing()) path_probe_failed(now);
  // Full segments are lost repeatedly; smaller ones, or finally fragments, may pass.
  const bool smaller = mss_ > 536 || (remote.address.is_v4() && !may_fragment_);
  if (config.black_hole_detection && attempts_ >= 3 && smaller) begin_search(now);
  const bool again = !first && recovery_ == Recovery::kLoss;
  if (!again) undo_.start(snd_.una, recovery_ == Recovery::kOpen);
  congestion_.on_timeout(used_window(), again, snd_.nxt);
  window_limited_ = true;  // limited by the one-segment window
  // The peer may have discarded SACKed data.
  if (board_.is_first_sacked() || !first) board_.forget_sacks();
  board_.on_timeout(now, rtt_.min_rtt(), rtt_.srtt(), mss_);
  recovery_ = Recovery::kLoss;
  recover_ = snd_.nxt;
  duplicates_ = 0;
  tail_probe_.cancel();
  send_lost(now);
  restart_retransmit_timer(now);
  output(now);
}

void Connection::on_tail_probe(Instant now) {
  tail_probe_.on_timer();
  if (board_.empty()) return;
  table_->count_up(Table::kTailProbes);
  // Send new data if the peer's window allows, else the last segment again.
  const std::uint32_t length = std::min({unsent(), snd_.usable_window(), std::uint32_t{mss_}});
  if (length != 0) {
    send_data({snd_.nxt, snd_.nxt + length}, false, now);
  } else {
    SeqRange last = board_.last();
    // A FIN is sent with a full segment. Few peers report the arrival of a FIN alone, and the
    // missing data may lie before it.
    const std::uint32_t most = mss_ + (fin_sent_ ? 1U : 0U);
    if (last.size() > most || (fin_sent_ && last.size() == 1))
      last.begin = later(snd_.una, last.end - most);
    send_data(last, true, now);
  }
  note_limit();
  tail_probe_.on_sent(snd_.nxt, length == 0);
  retransmit_timer_ = RetransmitTimer::kTimeout;
  retransmit_at_ = now + rto();
  output(now);
}

// Sends one byte beyond the window, or the data that fits it, repeatedly while the peer answers.
void Connection::on_window_probe(Instant now) {
  const Config& config = table_->config_;
  if (board_.empty() && unsent() == 0 && !(fin_queued_ && !fin_sent_)) return;
  // A peer that answers is probed indefinitely (RFC 9293 section 3.8.6.1 MUST-37); a silent one is
  // not.
  if (last_received_ > last_sent_ || attempts_ == 0) attempts_ = 0;
  if (attempts_ >= (orphan_ ? config.orphan_retries : config.retries) ||
      time_to_give_up(now).ns == 0) {
    table_->count_up(Table::kGaveUp);
    return fail(silence());
  }
  if (closed_for_too_long(now)) {
    table_->count_up(orphan_ ? Table::kOrphansReset : Table::kGaveUp);
    return abort(silence(), now);
  }
  if (attempts_++ == 0)
    silent_from_ms_ = timestamp_clock(now) - static_cast<std::uint32_t>(rto().ns / 1'000'000);
  table_->count_up(Table::kWindowProbes);
  rtt_.back_off();
  if (board_.empty()) {
    const std::uint32_t window = snd_.usable_window();
    const std::uint32_t length = std::min({unsent(), std::max(window, 1U), std::uint32_t{mss_}});
    const bool fin = fin_queued_ && !fin_sent_ && length == unsent();
    if (window == 0) probing_ = true;
    send_data({snd_.nxt, snd_.nxt + length + (fin ? 1U : 0U)}, false, now);
  } else {
    probing_ = true;
    SeqRange first = board_.first();
    if (first.size() > mss_) first.end = first.begin + mss_;
    send_data(first, true, now);
  }
  restart_retransmit_timer(now);
}

// Restarts the keepalive timer. An orphan's timer keeps its deadline.
void Connection::touch_life_timer(Instant now) {
  if (orphan_) return;
  life_at_ = options_.keepalive ? now + table_->config_.keepalive_idle : Instant::never();
  arm();
}

void Connection::on_life_timer(Instant now) {
  const Config& config = table_->config_;
  life_at_ = Instant::never();
  if (orphan_) {
    if (state_ == State::kFinWait2) return close();
    table_->count_up(Table::kOrphansReset);
    return abort(silence(), now);
  }
  if (!options_.keepalive) return;
  const Instant heard = std::max(last_received_, board_.empty() ? Instant{} : last_sent_);
  if (probes_ == 0 && now - heard < config.keepalive_idle) {
    life_at_ = heard + config.keepalive_idle;
    return;
  }
  if (probes_ >= config.keepalive_probes) {
    table_->count_up(Table::kGaveUp);
    return abort(silence(), now);
  }
  ++probes_;
  table_->count_up(Table::kKeepalives);
  send_control(kAck, snd_.nxt - 1, now);
  life_at_ = now + config.keepalive_interval;
}

}  // namespace fata::tcp
