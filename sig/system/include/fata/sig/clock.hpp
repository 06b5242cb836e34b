// Time and randomness as devices.
#pragma once

#include <array>
#include <concepts>

#include "fata/base/danger.hpp"
#include "fata/base/siphash.hpp"
#include "fata/base/time.hpp"
#include "fata/base/wall.hpp"

namespace fata::sig {

template <class C>
concept Clock = requires(C& clock) {
  { clock.now() } -> std::same_as<Instant>;    // monotonic
  { clock.wall() } -> std::same_as<WallTime>;  // UTC; may step
  // A bound on the distance of wall() from UTC; kInfinite without any source. It is proven only
  // while the wall clock is corrected from the network (lib/sntp). Without that, the source is the
  // host's clock: Linux's, kvm-clock, Xen's shared page, or a PC's battery clock. None of them
  // comes with a bound, so one is assumed (fata::host_reading()).
  { clock.wall_error() } -> std::same_as<Duration>;
};

// A clock whose wall clock can be corrected. Corrections never change now().
template <class C>
concept CorrectableClock = Clock<C> && requires(C& clock, const WallReading& utc) {
  // The host's wall clock, uncorrected.
  { clock.host() } -> std::same_as<WallReading>;
  // `utc` is the time now. Small changes are slewed, others are a step (fata::WallCorrection).
  { clock.correct(utc) } -> std::same_as<void>;
  // Ends the correction.
  { clock.follow_host() } -> std::same_as<void>;
};

template <class R>
concept Random = requires(R& random, MutableBytes out) {
  // Cryptographically strong; cannot fail, does not block.
  { random.fill(out) } -> std::same_as<void>;
};

// A fresh secret.
template <Random R>
SipKey drawn_key(R& random) {
  std::array<std::byte, 16> bytes;
  random.fill(bytes);
  return SipKey::of(bytes);
}

namespace archetype {
struct Clock {
  Instant now() { return {}; }
  WallTime wall() { return {}; }
  Duration wall_error() { return {}; }
};
struct CorrectableClock : Clock {
  WallReading host() { return {}; }
  void correct(const WallReading&) {}
  void follow_host() {}
};
struct Random {
  void fill(MutableBytes) {}
};
}  // namespace archetype

}  // namespace fata::sig
