#include "fata/base/wall.hpp"

#include <algorithm>

namespace fata {

namespace {
Duration magnitude(Duration d) { return d < Duration{} ? Duration{} - d : d; }
}  // namespace

void WallCorrection::correct(const WallReading& utc, Instant now, const WallReading& host) {
  const Duration change{utc.time.ns - read(now, host).time.ns};
  slew_ = magnitude(change) <= kMaxSlew ? change : Duration{};
  at_ = now;
  base_ = utc.time.ns - now.ns;
  host_base_ = host.time.ns - now.ns;
  error_ = utc.error;
  read_ = &corrected;
}

WallReading WallCorrection::corrected(const WallCorrection& self, Instant now,
                                      const WallReading& host) {
  const Duration diverged = magnitude({host.time.ns - now.ns - self.host_base_});
  if (diverged > host.error) return host;
  const Duration elapsed = now - self.at_;
  const Duration applied = elapsed / kSlewRate;
  const Duration left = self.slew_ < Duration{} ? std::min(self.slew_ + applied, Duration{})
                                                : std::max(self.slew_ - applied, Duration{});
  return {{self.base_ + now.ns - left.ns},
          self.error_ + magnitude(left) + drift(elapsed) + diverged};
}

}  // namespace fata
