// Server cookies of RFC 7873 in the form of RFC 9018, version 1: a client that returns one has
// proved that it receives data at its address. The server stores nothing per client: a cookie is
// SipHash-2-4 over the client's cookie, the time and the client's address.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"
#include "fata/base/siphash.hpp"

namespace fata::dns {

inline constexpr std::uint16_t kCookieOption = 10;  // EDNS option code
inline constexpr std::size_t kClientCookieSize = 8;
// The data of a response's COOKIE option: the client cookie, then the server cookie of 16 octets.
inline constexpr std::size_t kCookieSize = 24;
using Cookie = std::array<std::byte, kCookieSize>;

// RFC 7873 section 4: 8 octets of client cookie, then no server cookie or one of 8 to 32 octets.
constexpr bool valid_cookie_size(std::size_t octets) {
  return octets == kClientCookieSize || (octets >= 16 && octets <= 40);
}

class ServerCookies {
 public:
  // `secret` must be random.
  explicit ServerCookies(std::span<const std::byte, 16> secret)
      : current_(SipKey::of(secret)), previous_(current_) {}

  // Uses `secret` for new cookies. Cookies under the previous secret remain valid until they expire
  // or the secret is renewed again (RFC 9018 section 5).
  void renew(std::span<const std::byte, 16> secret);
  // Like renew(), but invalidates all earlier cookies: for an image that was copied.
  void replace(std::span<const std::byte, 16> secret);

  // `sent`: the data of the client's COOKIE option, of a valid size. `now`: seconds since 1970,
  // modulo 2^32. Sets `reply` to the data for the response. True if the server cookie in `sent` is
  // valid: made here for `client`, at most an hour ago, at most 5 minutes in the future. A valid
  // cookie under the current secret, at most half an hour old, is returned unchanged.
  bool check(Bytes sent, const IpAddress& client, std::uint32_t now, Cookie& reply) const;

 private:
  static std::uint64_t hash(const SipKey& secret, Bytes signed_octets, const IpAddress& client);

  SipKey current_, previous_;
};

}  // namespace fata::dns
