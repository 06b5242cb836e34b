// Prevents the use of the server against spoofed sources: response rate limiting, and cookies that
// exempt a client from it. A pure value: time and randomness are passed in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "fata/base/counter.hpp"
#include "fata/dns/cookie.hpp"
#include "fata/dns/rate_limit.hpp"
#include "fata/sig/clock.hpp"

namespace fata::dns {

// The parameter --rrl-exempt: "10.0.0.0/8,2001:db8::/32,192.0.2.1".
class Prefixes {
 public:
  static constexpr std::size_t kMax = 34;  // 32 for the user, and the forwarder's two

  bool contains(const IpAddress& address) const;
  bool empty() const { return count_ == 0; }

 private:
  friend bool parse_parameter(std::string_view text, Prefixes& out);
  struct Prefix {
    IpAddress address;
    std::uint8_t bits = 128;
  };
  std::array<Prefix, kMax> prefixes_;
  std::size_t count_ = 0;
};
bool parse_parameter(std::string_view text, Prefixes& out);
std::string_view parameter_expects(const Prefixes&);

class Guard {
 public:
  static constexpr std::size_t kSeedSize = 32;
  enum Count : std::size_t { kLimited, kSlipped, kCounts };

  // `seed` must be random. `clock` must outlive the guard, which reads the time of day from it at
  // most once a second. Allocates the limiter's table, unless the rate is off.
  template <sig::Clock Clock>
  Guard(RateLimit rate, const Prefixes& exempt, std::span<const std::byte, kSeedSize> seed,
        Clock* clock)
      : Guard(rate, exempt, seed, clock, [](void* of) { return static_cast<Clock*>(of)->wall(); }) {
  }

  // Sets the monotonic time; call it before each batch of queries.
  void set_time(Instant now) {
    if (limiter_) limiter_->set_time(now);
    if (now < next_look_) return;
    next_look_ = now + fata::seconds(1);
    seconds_ = static_cast<std::uint32_t>(wall_(clock_).ns / 1'000'000'000);
  }
  std::uint32_t seconds() const { return seconds_; }  // since 1970, modulo 2^32

  // Replaces the secrets, for an image that was copied: earlier cookies become invalid.
  void renew(std::span<const std::byte, kSeedSize> seed);

  ServerCookies& cookies() { return cookies_; }
  RateLimiter* limiter() { return limiter_ ? &*limiter_ : nullptr; }  // null: off
  // True for loopback and the configured prefixes.
  bool exempt(const IpAddress& client) const {
    return client.is_loopback() || exempt_.contains(client);
  }
  bool has_exemptions() const { return !exempt_.empty(); }  // beside loopback
  void count(Count what) { ++counters_[what]; }
  std::span<const Counter> counters() const { return counters_; }

 private:
  using Wall = WallTime (*)(void* clock);
  Guard(RateLimit rate, const Prefixes& exempt, std::span<const std::byte, kSeedSize> seed,
        void* clock, Wall wall);

  void* clock_;
  Wall wall_;
  Instant next_look_;
  ServerCookies cookies_;
  std::optional<RateLimiter> limiter_;
  Prefixes exempt_;
  std::uint32_t seconds_ = 0;
  // Responses beyond the limit, and those of them sent truncated or as BADCOOKIE.
  std::array<Counter, kCounts> counters_{Counter{"limited"}, Counter{"slipped"}};
};

}  // namespace fata::dns
