// Durations and instants, in nanoseconds, as plain 64-bit values.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace fata {

// A span of time; up to 292 years in either direction.
struct Duration {
  std::int64_t ns = 0;

  constexpr std::int64_t us() const { return ns / 1000; }
  constexpr std::int64_t ms() const { return ns / 1'000'000; }
  constexpr std::int64_t s() const { return ns / 1'000'000'000; }
  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
  friend constexpr Duration operator*(Duration a, std::int64_t n) { return {a.ns * n}; }
  friend constexpr Duration operator/(Duration a, std::int64_t n) { return {a.ns / n}; }
};
constexpr Duration nanoseconds(std::int64_t n) { return {n}; }
constexpr Duration microseconds(std::int64_t n) { return {n * 1000}; }
constexpr Duration milliseconds(std::int64_t n) { return {n * 1'000'000}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000'000}; }

// A point on the monotonic clock: nanoseconds since the image started (or an earlier fixed point).
struct Instant {
  std::int64_t ns = 0;

  static constexpr Instant never() { return {std::numeric_limits<std::int64_t>::max()}; }
  constexpr bool is_never() const { return ns == never().ns; }
  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Duration operator-(Instant a, Instant b) { return {a.ns - b.ns}; }
  // Saturates: never() plus a duration of at least 0 is never(); underflow returns instant 0.
  friend constexpr Instant operator+(Instant a, Duration d) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a.ns, d.ns, &sum)) return d.ns > 0 ? never() : Instant{0};
    return {sum};
  }
};

// Wall clock: nanoseconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX).
struct WallTime {
  std::int64_t ns = 0;
  friend constexpr auto operator<=>(WallTime, WallTime) = default;
};

}  // namespace fata
