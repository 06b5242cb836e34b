// A host's IPv6 addresses and source address selection (RFC 6724).
#pragma once

#include <span>

#include "fata/base/address.hpp"
#include "fata/base/time.hpp"

namespace fata::ip::ipv6 {

struct Address {
  // Tentative: under duplicate address detection; neither sends nor receives. Duplicate: another
  // station has the address; detection is repeated later.
  enum class State : std::uint8_t { kTentative, kValid, kDuplicate };
  enum class Origin : std::uint8_t { kLinkLocal, kStatic, kOffered };

  Ipv6Cidr cidr;
  std::uint8_t interface = 0;
  State state = State::kTentative;
  Origin origin = Origin::kStatic;
  std::uint8_t probes_left = 0;
  std::uint8_t collisions = 0;
  // Next step of duplicate address detection, while not valid.
  Instant detect_at = Instant::never();
  Instant reported_at{};    // the latest conflict report
  std::uint64_t nonce = 0;  // identifies our own probes (RFC 7527)
  Instant preferred_until = Instant::never();
  Instant valid_until = Instant::never();

  const IpAddress& address() const { return cidr.address; }
  bool usable() const { return state == State::kValid; }
};

// The source address for packets to `destination` on `interface`; null if there is none. RFC 6724
// section 5, rules 1, 2, 3, 5, 6 and 8; the other rules concern home and temporary addresses, which
// are not supported.
const Address* select_source(std::span<const Address> addresses, const IpAddress& destination,
                             std::uint8_t interface, Instant now);

// The label of an address in the default policy table (RFC 6724 section 2.1).
unsigned policy_label(const IpAddress& address);
// RFC 6724 section 3.1, as multicast scope values: 2 is link-local, 14 global.
unsigned scope_of(const IpAddress& address);

}  // namespace fata::ip::ipv6
