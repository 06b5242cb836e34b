// How long a round trip takes, and how long to wait for an acknowledgement (RFC 6298).
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"

namespace fata::net::tcp {

// Bounds of the retransmission timeout. RFC 6298 rule 2.4 says that the least SHOULD be 1 s and
// lets it be less where the clock is fine; 200 ms is what today's stacks use: above the delayed ACK
// of any of them (Linux and BSD 40-100 ms, Windows 200 ms at worst, which RFC 1122's 500 ms allows
// and its SACKs and timestamps survive), and losses that only a timeout mends stay short. It is the
// least of the *variance term*, as on Linux, so that a steady 190 ms path is not one delayed ACK
// away from a timeout.
struct RtoLimits {
  Duration initial = seconds(1);  // rule 2.1
  // Rule 5.7: for the data that follows a handshake that timed out.
  Duration after_lost_syn = seconds(3);
  Duration least = milliseconds(200);
  Duration most = seconds(120);  // rule 2.5: at least 60 s
};

// 32 bytes.
class RttEstimator {
 public:
  // A round trip of data that was sent once, or by timestamp (Karn's rule is the caller's).
  // `per_round`: how many samples a round trip is expected to give (RFC 7323 appendix G: flight / 2
  // MSS, rounded up), so that many samples in a round do not shorten the memory. Ends the back-off.
  void sample(Duration rtt, Instant now, std::uint32_t per_round = 1);

  bool has_sample() const { return srtt_ != 0; }
  Duration srtt() const { return {static_cast<std::int64_t>(srtt_ >> kShift)}; }
  Duration rttvar() const { return {static_cast<std::int64_t>(rttvar_ >> kShift)}; }
  // The least of the last kMinWindow to twice that; zero if there is none. What RACK and HyStart
  // call min_rtt.
  Duration min_rtt() const;
  static constexpr Duration kMinWindow = seconds(150);

  // The timeout, backed off.
  Duration rto(const RtoLimits& limits) const;
  // The same without the back-off: what RACK-TLP and F-RTO measure by.
  Duration base_rto(const RtoLimits& limits) const;
  // The timer ran out: the next timeout is twice as long (rule 5.5).
  void back_off() {
    if (back_off_ < kMostBackOff) ++back_off_;
  }
  unsigned backed_off() const { return back_off_; }
  // Something was acknowledged that shows the path alive, though it gave no sample (timeout was
  // spurious, zero window opened).
  void end_back_off() { back_off_ = 0; }
  // The handshake ended after a retransmitted SYN without a sample (rule 5.7).
  void syn_was_lost() { syn_lost_ = true, back_off_ = 0; }

 private:
  // Both in 1/256 ns, so that small gains do not round to nothing.
  static constexpr unsigned kShift = 8;
  static constexpr std::uint8_t kMostBackOff = 16;

  std::uint64_t srtt_ = 0;
  std::uint64_t rttvar_ = 0;
  std::uint32_t window_start_s_ = 0;    // of the current window of minima
  std::uint32_t minimum_us_ = 0;        // in the current window; 0: none
  std::uint32_t older_minimum_us_ = 0;  // in the one before
  std::uint8_t back_off_ = 0;
  bool syn_lost_ = false;
};
static_assert(sizeof(RttEstimator) <= 32);

}  // namespace fata::net::tcp
