// Congestion control: how many bytes may be in the network. NewReno (RFC 5681, 6582, 3465) and
// CUBIC (RFC 9438) behind one class, both with HyStart++ (RFC 9406) in the first slow start. What
// is lost is for others to find out (RACK-TLP, timeouts); what to send within a recovery, too
// (Prr). Integers only.
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"

namespace fata::net::tcp {

enum class CongestionAlgorithm : std::uint8_t { kCubic, kNewReno };

// What an ACK tells, outside of loss recovery.
struct AckEvent {
  std::uint32_t acked = 0;  // bytes newly acknowledged, cumulatively
  std::uint32_t una = 0;    // SND.UNA after the ACK
  std::uint32_t nxt = 0;    // SND.NXT
  Duration rtt{};           // a sample of this ACK; zero: none
  Duration srtt{};          // smoothed; zero: not known yet
  bool window_limited =
      true;  // the sender filled the window in the last round: only then may it grow (RFC 7661)
};

// 96 bytes; no virtual functions: the few places where the algorithms differ branch on
// `algorithm_`.
class CongestionControl {
 public:
  // `mss`: payload bytes of a full segment. The initial window is RFC 6928's: ten segments, of
  // 14,600 bytes at most but two segments at least.
  CongestionControl(CongestionAlgorithm algorithm, std::uint32_t mss);
  static std::uint32_t initial_window(std::uint32_t mss);

  std::uint32_t cwnd() const { return cwnd_; }
  std::uint32_t ssthresh() const { return ssthresh_; }
  bool in_slow_start() const { return cwnd_ < ssthresh_; }
  CongestionAlgorithm algorithm() const { return algorithm_; }
  // May be called at any time before or while data flows; the window stays.
  void set_algorithm(CongestionAlgorithm algorithm);
  // The path's MTU changed, or the peer's MSS came to be known: before the first ACK the initial
  // window is computed anew, after it the window is kept in bytes (a smaller packet is no sign of
  // congestion).
  void set_mss(std::uint32_t mss);
  // The SYN or its answer was lost: start with one segment (RFC 5681 section 3.1). After set_mss.
  void syn_was_lost();

  // The window grows by what was acknowledged. Not to be called in recovery (there Prr tells the
  // window).
  void on_ack(const AckEvent& ack, Instant now);

  // Loss was detected by other means than a timeout, once a recovery: lowers ssthresh, remembers
  // what to undo. `flight`: SND.NXT - SND.UNA, or the window where that was the limit. The window
  // itself is then what `set_cwnd` says, in recovery (from Prr).
  void on_loss(std::uint32_t flight);
  // The peer echoes a congestion mark (RFC 3168), at most once a window of data: as a loss, but the
  // window is lowered at once, and there is nothing to undo.
  void on_ecn_echo(std::uint32_t flight);
  // The timer ran out. `again`: for the same data as the timeout before (RFC 5681: ssthresh is
  // held). `nxt`: SND.NXT; until it is acknowledged, slow start grows by one segment an ACK (RFC
  // 3465 section 2.3).
  void on_timeout(std::uint32_t flight, bool again, std::uint32_t nxt);
  // Within a recovery.
  void set_cwnd(std::uint32_t bytes);
  // All that was outstanding when the loss was found is acknowledged.
  void on_recovered() { set_cwnd(ssthresh_); }
  // The last on_loss or on_timeout was spurious (D-SACK, Eifel, F-RTO): window, threshold and curve
  // are as before it, or larger if they have grown since (RFC 9438 section 4.9, RFC 4015).
  void undo();
  // Nothing was in flight for `idle`; to be called before sending anew. Halves the window for each
  // `rto` of it, down to the initial window, and keeps the memory of it in ssthresh (RFC 2861, RFC
  // 5681 section 4.1).
  void after_idle(Duration idle, Duration rto, Instant now);

  // Bytes a second at which to send, if packets are spread over the round trip: twice the window a
  // round trip in slow start, 1.2 times after that. 0 (do not pace) as long as srtt is not known.
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

  // What both algorithms have, and what of CUBIC undo() brings back.
  struct Curve {
    std::uint32_t w_max = 0;       // bytes: where the plateau lies
    std::uint32_t cwnd_prior = 0;  // bytes: the window before the last reduction
    std::uint32_t w_est = 0;       // bytes: what Reno would have
    std::uint32_t k_ms = 0;        // when the curve reaches w_max
    std::uint32_t epoch_ms =
        0;  // when this congestion avoidance began, without times that did not fill the window
  };

  std::uint32_t cwnd_;
  std::uint32_t ssthresh_ = kUnlimited;
  std::uint32_t mss_;
  Curve curve_;
  std::uint32_t fraction_ = 0;      // of a byte of growth, over cwnd_
  std::uint32_t est_fraction_ = 0;  // the same of w_est
  std::uint32_t last_ms_ = 0;       // the last ACK

  std::uint32_t undo_cwnd_ = 0;  // 0: nothing to undo
  std::uint32_t undo_ssthresh_ = 0;
  Curve undo_curve_;

  // HyStart++.
  std::uint32_t round_end_ = 0;
  std::uint32_t round_rtt_us_ = 0;  // least of this round; 0: no sample
  std::uint32_t older_rtt_us_ = 0;  // least of the round before
  // Conservative slow start: the round trip that it began with. After a timeout, SND.NXT of that
  // time.
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
  bool used_ : 1 = false;  // the window is no mere guess from the MSS any more

  static constexpr std::uint32_t kUnlimited = 0x7fffffff;
  // No peer can offer more (RFC 7323 section 2.3).
  static constexpr std::uint32_t kMostWindow = 1u << 30;
};
static_assert(sizeof(CongestionControl) <= 96);

}  // namespace fata::net::tcp
