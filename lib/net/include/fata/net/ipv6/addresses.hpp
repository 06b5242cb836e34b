// A host's own IPv6 addresses, and which of them to send from (RFC 6724).
#pragma once

#include <span>

#include "fata/base/address.hpp"
#include "fata/base/time.hpp"

namespace fata::net::ipv6 {

struct Address {
  // Tentative: being asked for; neither sent from nor listened to. Duplicate: another station has
  // it; it is asked for again later.
  enum class State : std::uint8_t { kTentative, kValid, kDuplicate };
  enum class Origin : std::uint8_t { kLinkLocal, kStatic, kOffered };

  Ipv6Cidr cidr;
  std::uint8_t interface = 0;
  State state = State::kTentative;
  Origin origin = Origin::kStatic;
  std::uint8_t probes_left = 0;
  std::uint8_t collisions = 0;
  Instant detect_at = Instant::never();  // while not valid: when to ask again, or be sure
  Instant reported_at{};                 // the latest conflict
  std::uint64_t nonce = 0;               // of our own questions, to know them again (RFC 7527)
  Instant preferred_until = Instant::never();
  Instant valid_until = Instant::never();

  const IpAddress& address() const { return cidr.address; }
  bool usable() const { return state == State::kValid; }
};

// The address to send from to `destination`, which leaves by `interface`; null if there is none.
// RFC 6724 section 5, rules 1, 2, 3, 5, 6 and 8; the others are about home addresses and temporary
// ones, which there are none of.
const Address* select_source(std::span<const Address> addresses, const IpAddress& destination,
                             std::uint8_t interface, Instant now);

// The label of an address by the default policy table (RFC 6724 section 2.1).
unsigned policy_label(const IpAddress& address);
// RFC 6724 section 3.1, as the numbers of multicast scopes: 2 is link-local, 14 global.
unsigned scope_of(const IpAddress& address);

}  // namespace fata::net::ipv6
