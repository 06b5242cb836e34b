// The wall clock's distance from UTC, and its correction.
#pragma once

#include "fata/base/time.hpp"

namespace fata {

inline constexpr Duration kInfinite{std::numeric_limits<std::int64_t>::max()};

// UTC is within `error` of `time`.
struct WallReading {
  WallTime time;
  Duration error = kInfinite;
};

// A reading of the host's clock. Hosts do not report how far their clock is from UTC. A second is
// assumed, which a host whose clock is kept by NTP meets; the resolution of the reading is added.
// A time before 2020 means that the host has no clock, and has no bound.
constexpr WallReading host_reading(WallTime time, Duration resolution) {
  constexpr std::int64_t k2020 = 1'577'836'800'000'000'000;
  return {time, time.ns < k2020 ? kInfinite : seconds(1) + resolution};
}

// A correction of the host's wall clock, in the platform's state. The corrected clock follows the
// monotonic clock, which is not changed. Pure arithmetic.
class WallCorrection {
 public:
  // The monotonic clock's rate is within 100 ppm of UTC's: the tolerance of usual crystals.
  static constexpr Duration drift(Duration elapsed) { return elapsed / 10'000; }
  // Changes up to this size are slewed at kSlewRate; larger ones are a step.
  static constexpr Duration kMaxSlew = milliseconds(128);
  static constexpr std::int64_t kSlewRate = 2000;  // 1 ns in 2000: 500 ppm

  // From now on, the time is `utc`, read at `now`. `host` is the host's clock at that time.
  void correct(const WallReading& utc, Instant now, const WallReading& host);
  void clear() { read_ = nullptr; }
  bool exists() const { return read_ != nullptr; }
  // The corrected time, or the host's time without a correction. If the host's clock and the
  // monotonic clock have diverged since the correction, the divergence adds to the error; beyond
  // host.error, the machine was paused or the host's clock was set, and the host's time is
  // returned.
  WallReading read(Instant now, const WallReading& host) const {
    return read_ == nullptr ? host : read_(*this, now, host);
  }

 private:
  static WallReading corrected(const WallCorrection& self, Instant now, const WallReading& host);

  // Set by the first correct(), so that an image that never calls it does not link corrected().
  WallReading (*read_)(const WallCorrection&, Instant, const WallReading&) = nullptr;
  Instant at_{};                // of the correction
  std::int64_t base_ = 0;       // UTC at Instant 0
  std::int64_t host_base_ = 0;  // the host's clock at Instant 0
  Duration error_{};
  Duration slew_{};  // not yet applied at `at_`
};

}  // namespace fata
