#include "fata/tcp/rtt.hpp"

#include <algorithm>
#include <bit>

namespace fata::tcp {

void RttEstimator::sample(Duration rtt, Instant now, std::uint32_t per_round) {
  const Duration bounded = std::clamp(rtt, microseconds(1), seconds(60));
  const std::int64_t r = bounded.ns << kShift;
  if (!has_sample()) {
    srtt_ = static_cast<std::uint64_t>(r);
    rttvar_ = srtt_ / 2;
  } else {
    // Gains of 1/8 and 1/4 per round, shared among its samples; rounded to a power of two to avoid
    // a division.
    const unsigned share =
        per_round <= 1 ? 0 : static_cast<unsigned>(std::bit_width(per_round - 1));
    const auto srtt = static_cast<std::int64_t>(srtt_);
    const auto rttvar = static_cast<std::int64_t>(rttvar_);
    const std::int64_t error = r - srtt;
    rttvar_ = static_cast<std::uint64_t>(rttvar +
                                         (((error < 0 ? -error : error) - rttvar) >> (2 + share)));
    srtt_ = static_cast<std::uint64_t>(srtt + (error >> (3 + share)));
  }
  back_off_ = 0;
  syn_lost_ = false;

  const auto now_s = static_cast<std::uint32_t>(now.ns / 1'000'000'000);
  const std::uint32_t age = now_s - window_start_s_;
  if (minimum_us_ == 0 || age >= kMinWindow.s()) {
    older_minimum_us_ = age < 2 * kMinWindow.s() ? minimum_us_ : 0;
    minimum_us_ = 0;
    window_start_s_ = now_s;
  }
  const auto us = static_cast<std::uint32_t>(bounded.us());
  if (minimum_us_ == 0 || us < minimum_us_) minimum_us_ = us;
}

Duration RttEstimator::min_rtt() const {
  const std::uint32_t least =
      older_minimum_us_ == 0 ? minimum_us_ : std::min(minimum_us_, older_minimum_us_);
  return microseconds(least);
}

Duration RttEstimator::base_rto(const RtoLimits& limits) const {
  if (!has_sample()) return syn_lost_ ? limits.after_lost_syn : limits.initial;
  return std::min(srtt() + std::max(limits.least, rttvar() * 4), limits.most);
}

Duration RttEstimator::rto(const RtoLimits& limits) const {
  return std::min(base_rto(limits) * (std::int64_t{1} << back_off_), limits.most);
}

}  // namespace fata::tcp
