// ACK processing: the send window, loss detection and recovery (RFC 5681, 6298, 6675, 8985, 9937).
#include <algorithm>

#include "fata/tcp/connection.hpp"
#include "fata/tcp/table.hpp"

namespace fata::tcp {

// The send time, by our clock, of the segment that the ACK echoes.
std::optional<std::uint32_t> Connection::echo_of(const Options& options) const {
  if (!timestamps_ || !options.has_timestamps || options.ts_echo == 0) return std::nullopt;
  return options.ts_echo - ts_offset_;
}

// Bytes believed to be in the network. Without SACK, each duplicate ACK means that one more segment
// has left it.
std::uint32_t Connection::pipe() const {
  const std::uint32_t flight = board_.in_flight();
  return sack_ ? flight : flight - std::min(flight, std::uint32_t{duplicates_} * mss_);
}

// The base of a window reduction (RFC 5681 section 3.1, RFC 9438 section 4.6): the outstanding
// bytes, or the window while more data waits for it. A batch of ACKs is processed before anything
// is sent, so at that moment fewer bytes may be outstanding than the window allowed.
std::uint32_t Connection::used_window() const {
  const std::uint32_t outstanding = board_.outstanding();
  return window_limited_ && unsent() != 0 ? std::max(congestion_.cwnd(), outstanding) : outstanding;
}

bool Connection::process_ack(const Segment& segment, Instant now) {
  const Header& header = segment.header;
  const Seq ack = header.ack;
  if (before(ack, snd_.una)) return true;
  const std::uint32_t advanced = ack - snd_.una;
  const std::uint32_t prior_flight = board_.outstanding() - board_.sacked();
  const bool duplicate = advanced == 0 && segment.length == 0 && !header.has(kFin | kSyn) &&
                         !board_.empty() && snd_.scaled(header) == snd_.wnd;
  update_window(header);
  if (board_.empty()) {
    if (snd_.wnd != 0) probing_ = false;
    if (advanced == 0) tail_probe_.on_ack_of_nothing(ack);
    return true;
  }
  if (advanced == 0 && header.options.sack_count == 0 && !duplicate) return true;

  const std::optional<std::uint32_t> echo = echo_of(header.options);
  Delivery got;
  got.echo = echo;
  if (advanced != 0) {
    board_.acked(ack, now, echo, rtt_.min_rtt(), got);
    send_.drop_before(earlier(ack, send_.end()), table_->memory_);
    acked_out_ += advanced;
    snd_.una = ack;
    if (mtu_search_.is_probe_acked(ack)) path_probe_acked(now);
    attempts_ = 0;
    probing_ = false;
    soft_error_ = false;
    tail_probe_.on_advance();
  }
  if (sack_ && header.options.sack_count != 0) process_sack(header.options, ack, echo, now, got);
  mtu_search_.on_delivered(static_cast<std::uint16_t>(std::min<std::uint32_t>(got.longest, mss_)));
  // Karn's algorithm, unless a timestamp identifies the acknowledged transmission (RFC 7323 section
  // 4).
  if (got.rtt.ns != 0) {
    rtt_.sample(got.rtt, now, std::max(1U, prior_flight / (2U * mss_)));
  } else if (advanced != 0 && echo && got.retransmission) {
    const std::uint32_t ms = timestamp_clock(now) - *echo;
    if (ms < 600'000) rtt_.sample(milliseconds(std::max<std::uint32_t>(ms, 1)), now);
  }
  const bool marked = ecn_.is_capable() && header.has(kEce);
  if (marked && advanced != 0 && recovery_ == Recovery::kOpen && ecn_.must_reduce(ack, snd_.nxt)) {
    congestion_.on_ecn_echo(std::max(used_window(), board_.outstanding() + advanced));
    note_limit();
  }
  if (tail_probe_.on_ack(ack, duplicate && header.options.sack_count == 0))
    after_tail_loss(prior_flight);
  recover(got, advanced, prior_flight, duplicate, marked, now);
  if (gone()) return false;
  if (advanced != 0) {
    if (fin_is_acked()) {
      after_fin_acked(now);
      if (gone()) return false;
    }
    if (write_blocked_ && room() != 0) {
      write_blocked_ = false;
      notify(Observer::kWritable);
    }
    // The neighbour on the route to the peer is reachable; once a second is enough.
    if (confirmed_s_ != static_cast<std::uint8_t>(seconds_of(now))) {
      confirmed_s_ = static_cast<std::uint8_t>(seconds_of(now));
      table_->ip_->confirm_reachable(remote.address, now);
    }
  }
  return true;
}

// A tail probe has repaired a loss (RFC 8985 section 7.4.2).
void Connection::after_tail_loss(std::uint32_t prior_flight) {
  if (recovery_ != Recovery::kOpen) return;
  congestion_.on_loss(std::max(used_window(), prior_flight));
  congestion_.on_recovered();
  note_limit();
}

void Connection::process_sack(const Options& options, Seq ack, std::optional<std::uint32_t> echo,
                              Instant now, Delivery& got) {
  const std::span<const SeqRange> blocks = std::span(options.sack).first(options.sack_count);
  std::size_t first = 0;
  // RFC 2883: the first block is a D-SACK if it lies below the ACK or within the second block.
  const SeqRange top = blocks[0];
  const bool inside = blocks.size() > 1 && at_or_before(blocks[1].begin, top.begin) &&
                      at_or_before(top.end, blocks[1].end);
  if (at_or_before(top.end, ack) || inside) {
    first = 1;
    board_.on_dsack(snd_.una, snd_.nxt);
    tail_probe_.on_dsack(top.end);
    if (undo_.on_dsack(top) && recovery_ != Recovery::kOpen) undo();
  }
  // Process the blocks in stream order: the newest block comes first and would look like reordering
  // (RFC 8985 section 6.2 step 3).
  std::array<SeqRange, Options::kMaxSack> sorted;
  const std::span<SeqRange> news = std::span(sorted).first(blocks.size() - first);
  for (std::size_t i = 0; i < news.size(); ++i) {  // insertion sort of at most four
    std::size_t at = i;
    for (; at != 0 && before(blocks[first + i].begin, news[at - 1].begin); --at)
      news[at] = news[at - 1];
    news[at] = blocks[first + i];
  }
  for (const SeqRange& block : news) {
    if (before(block.begin, snd_.una) || after(block.end, snd_.nxt)) continue;
    board_.sacked(block, now, echo, rtt_.min_rtt(), got);
  }
}

void Connection::recover(const Delivery& got, std::uint32_t advanced, std::uint32_t prior_flight,
                         bool duplicate, bool marked, Instant now) {
  if (advanced != 0 && recovery_ != Recovery::kOpen && got.retransmission && got.echo &&
      undo_.is_spurious(*got.echo))
    undo();
  const bool recovering = recovery_ == Recovery::kRecovery;
  std::uint32_t lost = 0;
  Duration look_again{};
  if (sack_) {
    const Scoreboard::Detection found =
        board_.detect(now, rtt_.min_rtt(), rtt_.srtt(), mss_, recovery_ != Recovery::kOpen);
    lost = found.bytes;
    look_again = found.wait;
  } else {
    // RFC 6582.
    if (duplicate) {
      if (duplicates_ < 0xffff) ++duplicates_;
      if (duplicates_ == 3 && recovery_ == Recovery::kOpen && at_or_after(snd_.una, recover_))
        lost = board_.mark_first_lost(mss_);
    }
    if (advanced != 0) {
      const bool partial = recovery_ == Recovery::kRecovery && before(snd_.una, recover_);
      const std::uint32_t segments = std::max(advanced / mss_, 1U);
      duplicates_ = partial && duplicates_ > segments - 1
                        ? static_cast<std::uint16_t>(duplicates_ - (segments - 1))
                        : 0;
      if (partial) lost = board_.mark_first_lost(mss_);
    }
  }
  if (recovery_ != Recovery::kOpen && at_or_after(snd_.una, recover_) && advanced != 0) {
    if (recovery_ == Recovery::kRecovery) {
      congestion_.on_recovered();
      note_limit();
    }
    recovery_ = Recovery::kOpen;
    board_.on_recovered();
    duplicates_ = 0;
  }
  const bool congested = lost == 0 || !path_probe_was_lost(lost, now);
  if (recovery_ == Recovery::kOpen && congested && board_.lost() != 0) enter_recovery(prior_flight);
  if (recovery_ == Recovery::kRecovery) {
    const bool good = advanced != 0 && lost == 0;
    std::uint32_t delivered = got.bytes;
    if (!sack_ && duplicate) delivered += mss_;
    congestion_.set_cwnd(prr_.on_ack(delivered, pipe(), congestion_.ssthresh(), mss_, good));
  } else if (advanced != 0 && !recovering && !marked) {
    // The window does not grow on a duplicate ACK (RFC 3042, RFC 5681), on the ACK that ends a
    // recovery, or on one that echoes congestion (RFC 3168 section 6.1.2).
    congestion_.on_ack({advanced, snd_.una, snd_.nxt, got.rtt, rtt_.srtt(), window_limited_}, now);
  }
  if (advanced != 0 || got.bytes != 0) restart_retransmit_timer(now);
  if (look_again.ns != 0 && now + look_again < retransmit_at_) {
    retransmit_timer_ = RetransmitTimer::kReorder;
    retransmit_at_ = now + look_again;
  }
}

void Connection::enter_recovery(std::uint32_t prior_flight) {
  table_->count_up(Table::kRecoveries);
  recovery_ = Recovery::kRecovery;
  recover_ = snd_.nxt;
  undo_.start(snd_.una, true);
  congestion_.on_loss(used_window());
  prr_.start(prior_flight);
  tail_probe_.cancel();
}

// The loss was spurious: caused by reordering or delay.
void Connection::undo() {
  table_->count_up(Table::kSpurious);
  undo_.stop();
  congestion_.undo();
  board_.unmark_lost();
  rtt_.end_back_off();
  recovery_ = Recovery::kOpen;
  duplicates_ = 0;
  note_limit();
}

void Connection::update_window(const Header& header) {
  if (!snd_.update_window(header) || !probing_ || snd_.wnd == 0) return;
  // Data sent into the closed window may have been discarded: send it again.
  probing_ = false;
  attempts_ = 0;
  rtt_.end_back_off();
  if (header.ack == snd_.una) board_.mark_first_lost(mss_);
}

void Connection::after_fin_acked(Instant now) {
  switch (state_) {
    case State::kFinWait1:
      state_ = State::kFinWait2;
      retransmit_at_ = Instant::never();
      retransmit_timer_ = RetransmitTimer::kOff;
      if (orphan_) life_at_ = now + table_->config_.fin_wait_2;
      break;
    case State::kClosing:
      return enter_time_wait(now);
    case State::kLastAck:
      return close();
    default:
      break;
  }
}

}  // namespace fata::tcp
