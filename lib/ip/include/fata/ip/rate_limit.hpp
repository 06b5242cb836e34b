// The limit for the ICMP errors that a host sends, and for other work that packets can cause.
#pragma once

#include "fata/base/time.hpp"

namespace fata::ip {

// A token bucket that limits errors per second, with a burst (RFC 1812 section 4.3.2.8). Each error
// may cost 0, 1 or 2 tokens at random. With an exact bucket, an attacker could count the remaining
// tokens, infer whether other packets were answered, and find open ports (CVE-2020-25705).
class RateLimit {
 public:
  // `burst` is at least 1. With `per_second` 0, nothing is ever allowed.
  RateLimit(unsigned per_second, unsigned burst)
      : interval_(per_second == 0 ? Duration{} : seconds(1) / per_second),
        burst_(interval_ * (burst - 1)) {}
  // `tokens`: the cost, from tokens_of() or 1.
  bool allow(Instant now, unsigned tokens = 1) {
    if (interval_.ns == 0) return false;
    const Instant floor = now + nanoseconds(-burst_.ns);
    if (next_ < floor) next_ = floor;
    if (next_ > now) return false;
    next_ = next_ + interval_ * tokens;
    return true;
  }
  // 0, 1 or 2, with equal probability.
  static unsigned tokens_of(std::uint64_t random) { return static_cast<unsigned>(random % 3); }

 private:
  Duration interval_;
  Duration burst_;
  Instant next_{};
};

}  // namespace fata::ip
