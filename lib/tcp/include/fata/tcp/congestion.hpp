// Congestion control: the number of bytes allowed in the network. NewReno (RFC 5681, 6582, 3465)
// and CUBIC (RFC 9438) in one class, both with HyStart++ (RFC 9406) in the first slow start. Loss
// detection (RACK-TLP, timeouts) and sending during recovery (Prr) are separate. Integer arithmetic
// only.
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"

namespace fata::tcp {

enum class CongestionAlgorithm : std::uint8_t { kCubic, kNewReno };

// The contents of an ACK outside loss recovery.
struct AckEvent {
  std::uint32_t acked = 0;  // newly acknowledged bytes, cumulatively
  std::uint32_t una = 0;    // SND.UNA after the ACK
  std::uint32_t nxt = 0;    // SND.NXT
  Duration rtt{};           // a sample from this ACK; zero: none
  Duration srtt{};          // smoothed; zero: not known yet
  // The sender filled the window in the last round: only then may the window grow (RFC 7661).
  bool window_limited = true;
};

// 96 bytes, no virtual functions: the algorithms differ in a few branches on `algorithm_`.
class CongestionControl {
 public:
  // `mss`: payload bytes of a full segment. The initial window follows RFC 6928: ten segments, at
  // most 14,600 bytes but at least two segments.
  CongestionControl(CongestionAlgorithm algorithm, std::uint32_t mss);
  static std::uint32_t initial_window(std::uint32_t mss);

  std::uint32_t cwnd() const { return cwnd_; }
  std::uint32_t ssthresh() const { return ssthresh_; }
  bool in_slow_start() const { return cwnd_ < ssthresh_; }
  CongestionAlgorithm algorithm() const { return algorithm_; }
  // May be called at any time before or during transfer; the window is kept.
  void set_algorithm(CongestionAlgorithm algorithm);
  // The path MTU changed, or the peer's MSS became known. Before the first ACK, the initial window
  // is recomputed. After it, the window is kept in bytes, because a smaller packet size is not a
  // sign of congestion.
  void set_mss(std::uint32_t mss);
  // The SYN or SYN-ACK was lost: start with one segment (RFC 5681 section 3.1). Call after
  // set_mss().
  void syn_was_lost();

  // Grows the window by the acknowledged bytes. Must not be called in recovery, where Prr sets the
  // window.
  void on_ack(const AckEvent& ack, Instant now);

  // Loss was detected other than by a timeout; call once per recovery. Lowers ssthresh and saves
  // the state for undo(). `flight`: SND.NXT - SND.UNA, or the window if that was the limit. During
  // recovery, the window is set by set_cwnd() (from Prr).
  void on_loss(std::uint32_t flight);
  // The peer echoes a congestion mark (RFC 3168); call at most once per window of data. Like a
  // loss, but lowers the window at once and cannot be undone.
  void on_ecn_echo(std::uint32_t flight);
  // The retransmission timer expired. `again`: for the same data as the previous timeout (RFC 5681:
  // ssthresh is kept). `nxt`: SND.NXT; until it is acknowledged, slow start grows by one segment
  // per ACK (RFC 3465 section 2.3).
  void on_timeout(std::uint32_t flight, bool again, std::uint32_t nxt);
  // Sets the window during a recovery.
  void set_cwnd(std::uint32_t bytes);
  // All data outstanding when the loss was detected has been acknowledged.
  void on_recovered() { set_cwnd(ssthresh_); }
  // The last on_loss() or on_timeout() was spurious (D-SACK, Eifel, F-RTO). Restores window,
  // threshold and curve, or keeps larger values reached since (RFC 9438 section 4.9, RFC 4015).
  void undo();
  // Nothing was in flight for `idle`; call before sending again. Halves the window for each `rto`
  // of idle time, down to the initial window, and preserves its size in ssthresh (RFC 2861, RFC
  // 5681 section 4.1).
  void after_idle(Duration idle, Duration rto, Instant now);

  // The pacing rate in bytes per second: twice the window per round trip in slow start, 1.2 times
  // the window after that. 0 (no pacing) while srtt is unknown.
  std::uint64_t pacing_rate(Duration srtt) const;

 private:
  void slow_start(const AckEvent& ack);
  void hystart(const AckEvent& ack);
  void new_reno(std::uint32_t acked);
  void cubic(const AckEvent& ack, std::uint32_t now_ms);
  void begin_epoch(std::uint32_t now_ms);
  void lower_threshold(std::uint32_t flight);
  void remember();
  void grow(std::uint32_t bytes);
  std::uint32_t from_curve(std::int64_t t_ms) const;

  // Curve state of both algorithms, and the part of CUBIC that undo() restores.
  struct Curve {
    std::uint32_t w_max = 0;       // bytes: the height of the plateau
    std::uint32_t cwnd_prior = 0;  // bytes: the window before the last reduction
    std::uint32_t w_est = 0;       // bytes: the window that Reno would have
    std::uint32_t k_ms = 0;        // when the curve reaches w_max
    // Start of this congestion avoidance, shifted by the times when the window was not filled.
    std::uint32_t epoch_ms = 0;
  };

  std::uint32_t cwnd_;
  std::uint32_t ssthresh_ = kUnlimited;
  std::uint32_t mss_;
  Curve curve_;
  std::uint32_t fraction_ = 0;      // remainder of the growth, in units of 1/cwnd_ bytes
  std::uint32_t est_fraction_ = 0;  // the same for w_est
  std::uint32_t last_ms_ = 0;       // time of the last ACK

  std::uint32_t undo_cwnd_ = 0;  // 0: nothing to undo
  std::uint32_t undo_ssthresh_ = 0;
  Curve undo_curve_;

  // HyStart++.
  std::uint32_t round_end_ = 0;
  std::uint32_t round_rtt_us_ = 0;  // minimum of this round; 0: no sample
  std::uint32_t older_rtt_us_ = 0;  // minimum of the previous round
  // In conservative slow start: the round trip at its start. After a timeout: SND.NXT at that time.
  std::uint32_t baseline_or_recover_ = 0;
  std::uint8_t samples_ = 0;
  std::uint8_t conservative_rounds_ = 0;  // 0: not in conservative slow start
  CongestionAlgorithm algorithm_;
  bool in_epoch_ : 1 = false;
  bool undo_in_epoch_ : 1 = false;
  bool first_slow_start_ : 1 = true;
  bool in_round_ : 1 = false;
  bool after_timeout_ : 1 = false;
  bool undo_first_slow_start_ : 1 = false;
  bool used_ : 1 = false;  // the window is no longer just derived from the MSS

  static constexpr std::uint32_t kUnlimited = 0x7fffffff;
  // The largest window that a peer can offer (RFC 7323 section 2.3).
  static constexpr std::uint32_t kMaxWindow = 1u << 30;
};
static_assert(sizeof(CongestionControl) <= 96);

}  // namespace fata::tcp
