// Path MTU discovery. ICMP "too big" is validated first (RFC 5927 section 7.2). When it is
// filtered, PLPMTUD (RFC 4821, RFC 8899 section 5.2) applies: after a black hole, small segments
// are sent, and longer ones probe the path, first with the largest size, then by binary search. A
// lost probe costs its retransmission but no window reduction.
#include <algorithm>

#include "fata/tcp/connection.hpp"
#include "fata/tcp/table.hpp"

namespace fata::tcp {

namespace {
constexpr unsigned kSmall = 1220;
constexpr std::uint32_t kFollowers = 3;  // segments after a probe, which reveal its loss
}  // namespace

// Handles a "too big" that quotes outstanding data at `seq`.
void Connection::hear_too_big(const ip::IcmpError& error, Seq seq, Instant now) {
  // The largest size that the quoted packet can have had, including headers.
  const SeqRange stretch = board_.stretch_at(seq);
  const std::uint32_t data = mtu_search_.is_probe(stretch.end)
                                 ? stretch.size()
                                 : std::min<std::uint32_t>(stretch.size(), mss_);
  const std::uint32_t packet = data + kMaxHeader + (remote.address.is_v4() ? 20 : 40);
  if (error.mtu >= mtu_ || packet <= error.hop_mtu) return table_->count_up(Table::kIcmpIgnored);
  table_->count_up(Table::kIcmpTaken);
  // A size that the path has carried remains valid unless the quoted data stays unacknowledged,
  // because the message may be forged.
  const std::uint32_t mss = mss_of_mtu(remote.address, error.mtu) - (timestamps_ ? 12U : 0U);
  if (mtu_search_.has_carried_more_than(mss) && attempts_ == 0)
    return mtu_search_.doubt(error.mtu, seq);
  believe_too_big(error.mtu, now);
}

void Connection::believe_too_big(std::uint16_t mtu, Instant now) {
  mtu_search_.forget_carried();
  table_->ip_->lower_path_mtu(remote.address, mtu, now);
  const std::uint16_t mss = mss_;
  refresh_path(now);
  if (mss_ >= mss || !synchronized()) return;
  // The oversized data is sent again at once; it is not a sign of congestion (RFC 1191 section
  // 6.5).
  board_.mark_all_lost();
  table_->mark(*this);
}

void Connection::begin_search(Instant now) {
  mtu_search_.begin(mss_ > kSmall ? kSmall : kSmallestMss);
  table_->count_up(Table::kBlackHoles);
  refresh_path(now);
}

void Connection::send_path_probe(Instant now) {
  // Without SACK, the loss of a probe would imply the loss of everything after it.
  if (mtu_search_.is_probing() || !sack_ || recovery_ != Recovery::kOpen || board_.lost() != 0)
    return;
  const std::uint32_t size = mtu_search_.next_size();
  const std::uint32_t length = size - (timestamps_ ? 12 : 0);
  const std::uint32_t in_pipe = pipe();
  const std::uint32_t room = congestion_.cwnd() > in_pipe ? congestion_.cwnd() - in_pipe : 0;
  if (std::min({unsent(), snd_.usable_window(), room}) < length + kFollowers * mss_) return;
  // SACK blocks would take part of the probe's room.
  if (has_out_of_order() || dsack_.size() != 0 || rcv_.fin_known || must_wait(0)) return;
  const Seq end = snd_.nxt + length;
  mtu_search_.start_probe(static_cast<std::uint16_t>(size), end);
  // A small buffer may have shortened the probe.
  if (!send_data({snd_.nxt, end}, false, now) || snd_.nxt != end) mtu_search_.abandon_probe();
}

void Connection::path_probe_acked(Instant now) {
  mtu_search_.on_probe_acked();
  end_search(now);
  set_mss();
}

// Shares the result with other connections; the cache entry expires after ten minutes.
void Connection::end_search(Instant now) {
  if (!mtu_search_.finish()) return;
  const unsigned headers = (remote.address.is_v4() ? 20 : 40) + kHeaderSize;
  table_->ip_->lower_path_mtu(remote.address, mtu_search_.search_low() + headers, now);
  refresh_path(now);
}

bool Connection::path_probe_was_lost(std::uint32_t lost, Instant now) {
  if (!mtu_search_.is_probing()) return false;
  const std::uint32_t length = mtu_search_.probed_size() - (timestamps_ ? 12U : 0U);
  const std::optional<SeqRange> first = board_.first_lost(length);
  const bool is_lost = first && mtu_search_.is_probe(first->end);
  if (is_lost) path_probe_failed(now);
  return is_lost && lost == length && board_.lost() == length;
}

void Connection::path_probe_failed(Instant now) {
  if (mtu_search_.on_probe_lost()) end_search(now);
}

}  // namespace fata::tcp
