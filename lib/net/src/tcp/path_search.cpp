// Path MTU discovery. ICMP "too big" is validated first (RFC 5927 section 7.2). When it is
// filtered, PLPMTUD (RFC 4821, RFC 8899 section 5.2) applies: after a black hole, small segments
// are sent, and longer ones probe the path, first with the largest size, then by binary search. A
// lost probe costs its retransmission but no window reduction.
#include <algorithm>

#include "fata/net/tcp/connection.hpp"
#include "fata/net/tcp/table.hpp"

namespace fata::net::tcp {

namespace {
constexpr unsigned kSmall = 1220;
constexpr unsigned kCloseEnough = 16;
constexpr std::uint32_t kFollowers = 3;  // segments after a probe, which reveal its loss
}  // namespace

// Handles a "too big" that quotes outstanding data at `seq`.
void Connection::hear_too_big(const IcmpError& error, Seq seq, Instant now) {
  // The largest size that the quoted packet can have had, including headers.
  const SeqRange stretch = board_.stretch_at(seq);
  const std::uint32_t data =
      is_path_probe(stretch) ? stretch.size() : std::min<std::uint32_t>(stretch.size(), mss_);
  const std::uint32_t packet = data + kMostHeader + (remote.address.is_v4() ? 20 : 40);
  if (error.mtu >= mtu_ || packet <= error.hop_mtu) return table_->count_up(Table::kIcmpIgnored);
  table_->count_up(Table::kIcmpTaken);
  // A size that the path has carried remains valid unless the quoted data stays unacknowledged,
  // because the message may be forged.
  const std::uint32_t mss = mss_of_mtu(remote.address, error.mtu) - (timestamps_ ? 12U : 0U);
  if (mss < carried_mss_ && attempts_ == 0) {
    doubted_mtu_ = error.mtu;
    doubted_at_ = seq;
    return;
  }
  believe_too_big(error.mtu, now);
}

void Connection::believe_too_big(std::uint16_t mtu, Instant now) {
  doubted_mtu_ = carried_mss_ = 0;
  table_->ip_->lower_path_mtu(remote.address, mtu, now);
  const std::uint16_t mss = mss_;
  refresh_path(now);
  if (mss_ >= mss || !synchronized()) return;
  // The oversized data is sent again at once; it is not a sign of congestion (RFC 1191 section
  // 6.5).
  board_.mark_all_lost();
  table_->mark(*this);
}

// `most`: limit by the peer, the link, and ICMP. The search result is kept when that limit grows
// again.
std::uint32_t Connection::limited_by_search(std::uint32_t most) {
  if (most <= path_mss_) {
    path_mss_ = static_cast<std::uint16_t>(most);
    path_mss_most_ = 0;
    path_probe_ = 0;
  } else if (path_mss_most_ == 0 || path_mss_most_ > most) {
    path_mss_most_ = static_cast<std::uint16_t>(most);
    path_probe_lost_ = false;
    search_began_ = true;
  }
  return path_mss_;
}

void Connection::begin_search(Instant now) {
  path_mss_ = mss_ > kSmall ? kSmall : kSmallestMss;
  path_mss_most_ = 0;
  table_->count_up(Table::kBlackHoles);
  refresh_path(now);
}

void Connection::send_path_probe(Instant now) {
  // Without SACK, the loss of a probe would imply the loss of everything after it.
  if (path_probe_ != 0 || !sack_ || recovery_ != Recovery::kOpen || board_.lost() != 0) return;
  const std::uint32_t size =
      search_began_ ? path_mss_most_ : path_mss_ + (path_mss_most_ - path_mss_ + 1U) / 2;
  const std::uint32_t length = size - (timestamps_ ? 12 : 0);
  const std::uint32_t in_pipe = pipe();
  const std::uint32_t room = congestion_.cwnd() > in_pipe ? congestion_.cwnd() - in_pipe : 0;
  if (std::min({unsent(), snd_.usable_window(), room}) < length + kFollowers * mss_) return;
  // SACK blocks would take part of the probe's room.
  if (has_out_of_order() || dsack_.size() != 0 || rcv_.fin_known || must_wait(0)) return;
  path_probe_ = static_cast<std::uint16_t>(size);
  path_probe_end_ = snd_.nxt + length;
  // A small buffer may have shortened the probe.
  if (!send_data({snd_.nxt, path_probe_end_}, false, now) || snd_.nxt != path_probe_end_)
    path_probe_ = 0;
}

void Connection::path_probe_arrived(Instant now) {
  path_mss_ = path_probe_;
  path_probe_ = 0;
  path_probe_lost_ = false;
  search_began_ = false;
  end_search(now);
  set_mss();
}

// Shares the result with other connections; the cache entry expires after ten minutes.
void Connection::end_search(Instant now) {
  if (path_mss_most_ >= path_mss_ + kCloseEnough) return;
  const bool all = path_mss_most_ == path_mss_;
  path_mss_most_ = 0;
  if (all) return;
  const unsigned headers = (remote.address.is_v4() ? 20 : 40) + kHeaderSize;
  table_->ip_->lower_path_mtu(remote.address, path_mss_ + headers, now);
  refresh_path(now);
}

bool Connection::path_probe_was_lost(std::uint32_t lost, Instant now) {
  if (path_probe_ == 0) return false;
  const std::uint32_t length = path_probe_ - (timestamps_ ? 12U : 0U);
  const std::optional<SeqRange> first = board_.first_lost(length);
  const bool is_lost = first && first->end == path_probe_end_;
  if (is_lost) path_probe_failed(now);
  return is_lost && lost == length && board_.lost() == length;
}

void Connection::path_probe_failed(Instant now) {
  path_probe_lost_ = !path_probe_lost_;
  if (!path_probe_lost_) {
    search_began_ = false;
    path_mss_most_ = static_cast<std::uint16_t>(path_probe_ - 1);
    end_search(now);
  }
  path_probe_ = 0;
}

}  // namespace fata::net::tcp
