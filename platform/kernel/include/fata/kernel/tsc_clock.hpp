// Time from a counter whose rate is constant but (at first) only roughly known. Pure arithmetic;
// callers read the counters.
#pragma once

#include <cstdint>

#include "fata/base/time.hpp"

namespace fata::kernel {

// A new rate changes the slope from that point on. Time never steps, back or forth, except through
// step().
class TscClock {
 public:
  void start(std::uint64_t tsc, std::uint64_t hz);
  void set_rate(std::uint64_t tsc, std::uint64_t hz);
  // Moves all times from now on by `by`.
  void step(Duration by) { base_ns_ += by.ns; }
  std::uint64_t rate() const { return hz_; }

  Instant at(std::uint64_t tsc) const {
    return {base_ns_ + static_cast<std::int64_t>(
                           static_cast<unsigned __int128>(tsc - base_tsc_) * scale_ >> 32)};
  }
  // The first TSC value at which `instant` has passed; saturates.
  std::uint64_t tsc_at(Instant instant) const;

 private:
  std::uint64_t base_tsc_ = 0;
  std::int64_t base_ns_ = 0;
  std::uint64_t hz_ = 0;
  std::uint64_t scale_ = 0;  // nanoseconds per tick, times 2^32
};

// Measures the TSC's rate against a 16-bit reference counter that wraps (the PIT at 1,193,182 Hz:
// every 55 ms). Each sample is compared with the first one, so the error decreases over time; wraps
// are counted with the current estimate.
class RateEstimate {
 public:
  static constexpr std::uint64_t kReferenceHz = 1'193'182;

  struct Sample {
    std::uint64_t before = 0, after = 0;  // TSC before and after the reading
    std::uint16_t ticks = 0;              // counts up
  };

  void start(const Sample& first) { first_ = first; }
  // Starts again at `sample`, as after a restore on another host. The rate may now be between about
  // half and twice the known one.
  void restart(const Sample& sample);
  // Returns false if the sample is too imprecise (the host slept between the readings) or too close
  // to the first.
  bool refine(const Sample& sample);
  std::uint64_t hz() const { return hz_; }
  // The TSC at which the next sample is useful, and the TSC by which a sample must be taken, before
  // wraps become ambiguous.
  std::uint64_t next_useful() const { return next_useful_; }
  std::uint64_t must_sample_by() const { return must_by_; }
  bool is_settled() const { return settled_; }

 private:
  static std::uint64_t middle(const Sample& s) { return s.before + (s.after - s.before) / 2; }

  Sample first_{};
  std::uint64_t hz_ = 0;
  std::uint64_t next_useful_ = 0;
  std::uint64_t must_by_ = 0;
  bool settled_ = false;
};

}  // namespace fata::kernel
