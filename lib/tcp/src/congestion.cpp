#include "fata/tcp/congestion.hpp"

#include <algorithm>

namespace fata::tcp {
namespace {

// RFC 9406 section 4.3.
constexpr std::uint8_t kSamples = 8;
constexpr std::uint32_t kMinRise = 4'000;  // microseconds
constexpr std::uint32_t kMaxRise = 16'000;
constexpr std::uint8_t kConservativeRounds = 5;

// Limit of the slow-start growth per ACK. For senders that do not pace, RFC 3465 allows 2 segments
// and RFC 9406 allows 8, to bound the burst after an ACK. But a receiver that coalesces segments
// acknowledges up to 64 KiB at once, and under those limits the window would grow only by a
// constant per round. So the limit is 8 segments or 64 KiB, whichever is larger.
constexpr std::uint32_t kLargestAck = 65'536;

std::uint32_t milliseconds_of(Instant now) {
  return static_cast<std::uint32_t>(now.ns / 1'000'000);
}

std::uint32_t cube_root(std::uint64_t x) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = 1u << 21; bit != 0; bit >>= 1) {
    const std::uint64_t next = root | bit;
    if (next * next <= x / next) root = next;
  }
  return static_cast<std::uint32_t>(root);
}

bool after(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) > 0; }

}  // namespace

std::uint32_t CongestionControl::initial_window(std::uint32_t mss) {
  return std::min(10 * mss, std::max(2 * mss, 14'600u));
}

CongestionControl::CongestionControl(CongestionAlgorithm algorithm, std::uint32_t mss)
    : cwnd_(initial_window(mss)), mss_(mss), algorithm_(algorithm) {}

void CongestionControl::set_algorithm(CongestionAlgorithm algorithm) {
  algorithm_ = algorithm;
  curve_ = {};
  in_epoch_ = false;
  undo_cwnd_ = 0;
}

void CongestionControl::set_mss(std::uint32_t mss) {
  mss_ = mss;
  if (!used_) cwnd_ = initial_window(mss);
  cwnd_ = std::max(cwnd_, mss_);
}

void CongestionControl::syn_was_lost() {
  used_ = true;
  cwnd_ = mss_;
}

void CongestionControl::grow(std::uint32_t bytes) {
  cwnd_ = std::min(cwnd_ + std::min(bytes, kMaxWindow), kMaxWindow);
}

void CongestionControl::on_ack(const AckEvent& ack, Instant now) {
  used_ = true;
  const std::uint32_t now_ms = milliseconds_of(now);
  // The curve's time stops while the application, not the window, is the limit (RFC 9438 section
  // 5.8).
  if (in_epoch_ && !ack.window_limited) curve_.epoch_ms += now_ms - last_ms_;
  last_ms_ = now_ms;
  if (in_slow_start()) {
    slow_start(ack);
  } else if (!ack.window_limited || ack.acked == 0) {
    return;
  } else if (algorithm_ == CongestionAlgorithm::kNewReno) {
    new_reno(ack.acked);
  } else {
    cubic(ack, now_ms);
  }
}

void CongestionControl::slow_start(const AckEvent& ack) {
  if (first_slow_start_) hystart(ack);
  if (!ack.window_limited) return;
  std::uint32_t most = std::max(8 * mss_, kLargestAck);
  if (after_timeout_) {
    if (!after(baseline_or_recover_, ack.una)) {
      after_timeout_ = false;
    } else {
      most = mss_;
    }
  }
  std::uint32_t more = std::min(ack.acked, most);
  if (conservative_rounds_ != 0) more /= 4;
  if (in_slow_start()) grow(std::min(more, ssthresh_ - cwnd_));
}

void CongestionControl::hystart(const AckEvent& ack) {
  // The ACK of the round's last byte still belongs to this round.
  if (!in_round_ || after(ack.una, round_end_)) {
    if (in_round_ && conservative_rounds_ != 0 && --conservative_rounds_ == 0) {
      ssthresh_ = cwnd_;
      first_slow_start_ = false;
      return;
    }
    in_round_ = true;
    round_end_ = ack.nxt;
    older_rtt_us_ = round_rtt_us_;
    round_rtt_us_ = 0;
    samples_ = 0;
  }
  if (ack.rtt.ns <= 0) return;
  const auto us = static_cast<std::uint32_t>(std::clamp<std::int64_t>(ack.rtt.us(), 1, 60'000'000));
  if (round_rtt_us_ == 0 || us < round_rtt_us_) round_rtt_us_ = us;
  if (samples_ < kSamples) ++samples_;
  if (samples_ < kSamples) return;
  if (conservative_rounds_ != 0) {
    if (round_rtt_us_ < baseline_or_recover_) conservative_rounds_ = 0;  // the rise was noise
  } else if (older_rtt_us_ != 0 &&
             round_rtt_us_ >= older_rtt_us_ + std::clamp(older_rtt_us_ / 8, kMinRise, kMaxRise)) {
    baseline_or_recover_ = round_rtt_us_;
    conservative_rounds_ = kConservativeRounds;
  }
}

void CongestionControl::new_reno(std::uint32_t acked) {
  const std::uint64_t share = std::uint64_t{mss_} * acked + fraction_;
  const std::uint32_t window = cwnd_;
  grow(static_cast<std::uint32_t>(share / window));
  fraction_ = static_cast<std::uint32_t>(share % window);
}

void CongestionControl::begin_epoch(std::uint32_t now_ms) {
  in_epoch_ = true;
  curve_.epoch_ms = now_ms;
  curve_.w_est = cwnd_;
  fraction_ = est_fraction_ = 0;
  // After a slow start without loss, or after a timeout (RFC 9438 sections 4.8 and 4.10).
  if (curve_.w_max <= cwnd_) {
    curve_.w_max = cwnd_;
    curve_.k_ms = 0;
  } else {  // K = cbrt((W_max - cwnd) / C), C = 0.4 segments / s^3, in milliseconds
    curve_.k_ms = cube_root(std::uint64_t{curve_.w_max - cwnd_} * 2'500'000'000 / mss_);
  }
}

// W_cubic(t) = C (t - K)^3 + W_max, in bytes.
std::uint32_t CongestionControl::from_curve(std::int64_t t_ms) const {
  // About 17 minutes. That far before or after the plateau, the curve is below zero or above the
  // largest window.
  constexpr std::int64_t kFar = 1 << 20;
  const std::int64_t d = std::clamp(t_ms - curve_.k_ms, -kFar, kFar);
  const std::int64_t rise = d * d * d / 10'000 * mss_ / 250'000;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(rise + curve_.w_max, 0, kMaxWindow));
}

void CongestionControl::cubic(const AckEvent& ack, std::uint32_t now_ms) {
  if (!in_epoch_) begin_epoch(now_ms);
  const std::uint32_t window = cwnd_;
  const std::uint32_t acked = std::min(ack.acked, window);
  // The window that Reno would have: it grows by 3 (1 - beta) / (1 + beta) = 9/17 of a segment per
  // round until it reaches the window that the loss reduced.
  std::uint64_t share = std::uint64_t{mss_} * acked;
  if (curve_.w_est < curve_.cwnd_prior) share = share * 9 / 17;
  share += est_fraction_;
  curve_.w_est = std::min(curve_.w_est + static_cast<std::uint32_t>(share / window), kMaxWindow);
  est_fraction_ = static_cast<std::uint32_t>(share % window);

  const std::int64_t t = static_cast<std::int32_t>(now_ms - curve_.epoch_ms);
  if (from_curve(t) < curve_.w_est) {
    cwnd_ = std::max(cwnd_, curve_.w_est);
    return;
  }
  const std::uint32_t target =
      std::clamp(from_curve(t + ack.srtt.ms()), window, window + window / 2);
  share = std::uint64_t{target - window} * acked + fraction_;
  grow(static_cast<std::uint32_t>(share / window));
  fraction_ = static_cast<std::uint32_t>(share % window);
}

void CongestionControl::remember() {
  undo_cwnd_ = cwnd_;
  undo_ssthresh_ = ssthresh_;
  undo_curve_ = curve_;
  undo_in_epoch_ = in_epoch_;
  undo_first_slow_start_ = first_slow_start_;
}

void CongestionControl::lower_threshold(std::uint32_t flight) {
  const std::uint32_t used = std::min(cwnd_, flight);
  if (algorithm_ == CongestionAlgorithm::kNewReno) {
    ssthresh_ = used / 2;
  } else {
    ssthresh_ = static_cast<std::uint32_t>(std::uint64_t{used} * 7 / 10);
    // Fast convergence (RFC 9438 section 4.7): a flow that loses data below its last plateau makes
    // room for new flows.
    curve_.w_max =
        cwnd_ < curve_.w_max ? static_cast<std::uint32_t>(std::uint64_t{cwnd_} * 17 / 20) : cwnd_;
    curve_.cwnd_prior = cwnd_;
  }
  ssthresh_ = std::max(ssthresh_, 2 * mss_);
  first_slow_start_ = false;
  conservative_rounds_ = 0;
  in_epoch_ = false;
}

void CongestionControl::on_loss(std::uint32_t flight) {
  used_ = true;
  remember();
  lower_threshold(flight);
}

void CongestionControl::on_ecn_echo(std::uint32_t flight) {
  used_ = true;
  lower_threshold(flight);
  cwnd_ = std::min(cwnd_, ssthresh_);
  undo_cwnd_ = 0;
}

void CongestionControl::on_timeout(std::uint32_t flight, bool again, std::uint32_t nxt) {
  used_ = true;
  if (!again) {
    remember();
    lower_threshold(flight);
  }
  curve_.w_max = 0;  // the curve begins flat where slow start ends (RFC 9438 section 4.8)
  in_epoch_ = false;
  after_timeout_ = true;
  baseline_or_recover_ = nxt;
  cwnd_ = mss_;
}

void CongestionControl::set_cwnd(std::uint32_t bytes) { cwnd_ = std::min(bytes, kMaxWindow); }

void CongestionControl::undo() {
  if (undo_cwnd_ == 0) return;
  cwnd_ = std::max(cwnd_, undo_cwnd_);
  ssthresh_ = std::max(ssthresh_, undo_ssthresh_);
  curve_ = undo_curve_;
  in_epoch_ = undo_in_epoch_;
  first_slow_start_ = undo_first_slow_start_;
  in_round_ = after_timeout_ = false;
  undo_cwnd_ = 0;
}

void CongestionControl::after_idle(Duration idle, Duration rto, Instant now) {
  if (in_epoch_) curve_.epoch_ms += milliseconds_of(now) - last_ms_;
  last_ms_ = milliseconds_of(now);
  if (idle < rto || rto.ns <= 0) return;
  const std::uint32_t restart = std::min(initial_window(mss_), cwnd_);
  ssthresh_ = std::max(ssthresh_, cwnd_ / 4 * 3);
  for (std::int64_t left = idle.ns / rto.ns; left > 0 && cwnd_ > restart; --left) cwnd_ /= 2;
  cwnd_ = std::max(cwnd_, restart);
  in_epoch_ = false;
}

std::uint64_t CongestionControl::pacing_rate(Duration srtt) const {
  if (srtt.ns <= 0) return 0;
  const std::uint64_t a_round =
      in_slow_start() ? std::uint64_t{cwnd_} * 2 : std::uint64_t{cwnd_} * 6 / 5;
  return a_round * 1'000'000'000 / static_cast<std::uint64_t>(srtt.ns);
}

}  // namespace fata::tcp
