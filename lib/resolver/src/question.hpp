// A question that the engine is asking, and its queries in flight.
#pragma once

#include "fata/resolver/engine.hpp"

namespace fata::resolver {

// Random bits, one for each octet of a name.
using CaseBits = std::array<std::uint64_t, 4>;

// Flips the case of the letters whose bit is set.
inline dns::Name mix_case(const dns::Name& name, const CaseBits& bits) {
  std::array<std::byte, dns::kMaxName> wire{};
  const Bytes from = name.wire();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto c = static_cast<unsigned>(from[i]) | 0x20;
    const bool flip = c >= 'a' && c <= 'z' && (bits[i / 64] >> i % 64 & 1) != 0;
    wire[i] = flip ? from[i] ^ std::byte{0x20} : from[i];
  }
  // A length octet is below 'A', so the structure is unchanged.
  return dns::Name::from_wire(Bytes(wire).first(from.size())).value_or(name);
}

struct Engine::Attempt {
  bool active = false;
  Transport transport{};
  bool edns = false;
  bool late = false;  // has timed out; an answer is still welcome
  // Over UDP: a response differed in case only. Over TCP: the query finds out why.
  bool wrong_case = false;
  std::uint8_t wrong = 0;  // responses, up to kMaxWrong
  std::uint16_t id = 0;
  std::uint32_t serial = 0;
  Endpoint server;
  Instant sent{};
  Instant due{};
  CaseBits bits{};
};

struct Engine::Question {
  bool active = false;
  bool responded = false;  // a server returned an RCODE or an unusable answer
  dns::Type type{};
  unsigned rcode = 0;
  unsigned queries = 0;
  unsigned restarts = 0;
  std::uint32_t ttl = kMaxTtl;     // of the aliases so far
  ServerSet tried = 0;             // in this round
  ServerSet failed = 0;            // answered with a failure
  dns::Name name;                  // as the callers wrote it
  dns::Name target;                // at the end of the aliases
  Instant due = Instant::never();  // for the next query
  Instant ends = Instant::never();
  Instant stale_at = Instant::never();  // when a stale answer is used meanwhile
  std::array<Attempt, kAttempts> attempts;
};

}  // namespace fata::resolver
