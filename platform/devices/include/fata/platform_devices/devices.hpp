// The platform's clock, randomness and console (fata/base/platform.hpp) as devices that model
// `sig/` concepts.
#pragma once

#include "fata/base/platform.hpp"
#include "fata/sig/clock.hpp"
#include "fata/sig/console.hpp"

namespace fata::platform_devices {

struct Clock {
  Instant now() { return platform::monotonic_now(); }
  WallTime wall() { return platform::wall_now(); }
  Duration wall_error() {
    return platform::wall_correction().read(now(), platform::host_wall()).error;
  }
  // sig::CorrectableClock
  WallReading host() { return platform::host_wall(); }
  void correct(const WallReading& utc) { platform::wall_correction().correct(utc, now(), host()); }
  void follow_host() { platform::wall_correction().clear(); }
};
struct Random {
  void fill(MutableBytes out) { platform::entropy(out); }
};
struct Console {
  void write(std::string_view text) { platform::console_write(text); }
};
static_assert(sig::CorrectableClock<Clock> && sig::Random<Random> && sig::Console<Console>);

}  // namespace fata::platform_devices
