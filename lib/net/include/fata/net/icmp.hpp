// ICMP for IPv4 (RFC 792).
#pragma once

#include <optional>

#include "fata/base/bytes.hpp"
#include "fata/base/time.hpp"

namespace fata::net::icmp {

inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::uint8_t kEchoReply = 0;
inline constexpr std::uint8_t kUnreachable = 3;
inline constexpr std::uint8_t kEcho = 8;
inline constexpr std::uint8_t kTimeExceeded = 11;
inline constexpr std::uint8_t kParameterProblem = 12;
inline constexpr std::uint8_t kCodeProtocol = 2;
inline constexpr std::uint8_t kCodePort = 3;
inline constexpr std::uint8_t kCodeTooBig = 4;      // fragmentation needed and DF set
inline constexpr std::uint8_t kCodeReassembly = 1;  // of kTimeExceeded

struct Header {
  std::uint8_t type = 0;
  std::uint8_t code = 0;

  // Checks the length and checksum of a whole ICMP message.
  static std::optional<Header> parse(Bytes message);
};

// Turns a valid echo request into its reply in place, and updates the checksum without reading the
// data (RFC 1624).
void make_echo_reply(MutableBytes message);

// Writes an error that quotes `quoted`: the offending packet's header and at least 8 bytes more
// (RFC 1122 section 3.2.2). `to` holds kHeaderSize + quoted.size() bytes.
void write_error(MutableBytes to, std::uint8_t type, std::uint8_t code, Bytes quoted);

// The MTU to use after a "too big" for a packet of `length` bytes: the router's value `said`, or
// the next lower plateau if an old router sent 0 (RFC 1191 section 7.1).
std::size_t next_mtu(std::size_t said, std::size_t length);

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

}  // namespace fata::net::icmp
