// Round-trip time estimation and the retransmission timeout (RFC 6298).
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"

namespace fata::tcp {

// Bounds of the retransmission timeout. RFC 6298 rule 2.4 says that the minimum SHOULD be 1 s but
// allows less with a fine clock. 200 ms is common today: it exceeds the delayed ACKs of current
// stacks (Linux and BSD 40-100 ms, Windows 200 ms at worst; RFC 1122's 500 ms are tolerated with
// SACK and timestamps), and it keeps losses that only a timeout repairs short. As on Linux, it is
// the minimum of the *variance term*, so that on a steady 190 ms path one delayed ACK does not
// cause a timeout.
struct RtoLimits {
  Duration initial = seconds(1);  // rule 2.1
  // Rule 5.7: for data after a handshake that timed out.
  Duration after_lost_syn = seconds(3);
  Duration least = milliseconds(200);
  Duration most = seconds(120);  // rule 2.5: at least 60 s
};

// 32 bytes.
class RttEstimator {
 public:
  // Adds the round trip of data that was sent once, or measured by timestamp (the caller applies
  // Karn's rule). `per_round`: the expected samples per round trip (RFC 7323 appendix G: flight / 2
  // MSS, rounded up), so that many samples do not shorten the averaging time. Ends the back-off.
  void sample(Duration rtt, Instant now, std::uint32_t per_round = 1);

  bool has_sample() const { return srtt_ != 0; }
  Duration srtt() const { return {static_cast<std::int64_t>(srtt_ >> kShift)}; }
  Duration rttvar() const { return {static_cast<std::int64_t>(rttvar_ >> kShift)}; }
  // The minimum over the last one to two kMinWindow; zero if there is none. This is min_rtt of RACK
  // and HyStart.
  Duration min_rtt() const;
  static constexpr Duration kMinWindow = seconds(150);

  // The timeout with back-off.
  Duration rto(const RtoLimits& limits) const;
  // The timeout without back-off, as RACK-TLP and F-RTO use it.
  Duration base_rto(const RtoLimits& limits) const;
  // The timer expired: doubles the next timeout (rule 5.5).
  void back_off() {
    if (back_off_ < kMaxBackOff) ++back_off_;
  }
  unsigned backed_off() const { return back_off_; }
  // An acknowledgement showed that the path works, although it gave no sample (spurious timeout,
  // zero window opened).
  void end_back_off() { back_off_ = 0; }
  // The handshake completed without a sample after a retransmitted SYN (rule 5.7).
  void syn_was_lost() { syn_lost_ = true, back_off_ = 0; }

 private:
  // Both in 1/256 ns, so that small gains do not round to zero.
  static constexpr unsigned kShift = 8;
  static constexpr std::uint8_t kMaxBackOff = 16;

  std::uint64_t srtt_ = 0;
  std::uint64_t rttvar_ = 0;
  std::uint32_t window_start_s_ = 0;    // start of the current minimum window
  std::uint32_t minimum_us_ = 0;        // in the current window; 0: none
  std::uint32_t older_minimum_us_ = 0;  // in the previous window
  std::uint8_t back_off_ = 0;
  bool syn_lost_ = false;
};
static_assert(sizeof(RttEstimator) <= 32);

}  // namespace fata::tcp
