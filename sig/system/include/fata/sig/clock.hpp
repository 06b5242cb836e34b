// Time and randomness as devices.
#pragma once

#include <concepts>

#include "fata/base/danger.hpp"
#include "fata/base/time.hpp"

namespace fata::sig {

template <class C>
concept Clock = requires(C& clock) {
  { clock.now() } -> std::same_as<Instant>;    // monotonic
  { clock.wall() } -> std::same_as<WallTime>;  // UTC; may step
};

template <class R>
concept Random = requires(R& random, MutableBytes out) {
  // Cryptographically strong; cannot fail, does not block.
  { random.fill(out) } -> std::same_as<void>;
};

namespace archetype {
struct Clock {
  Instant now() { return {}; }
  WallTime wall() { return {}; }
};
struct Random {
  void fill(MutableBytes) {}
};
}  // namespace archetype

}  // namespace fata::sig
