// SYN cookies (RFC 4987 section 3.6): during a flood, no state is kept for a SYN; the handshake's
// third segment returns everything needed to open the connection. A cookie is a sequence number of
// 24 bits of keyed hash and 8 bits of options: MSS, window scale (each rounded down to a table
// entry) and SACK. If the client sends timestamps, their low bits carry the exact scale, and ECN.
#pragma once

#include <cstdint>
#include <optional>

#include "fata/base/time.hpp"
#include "fata/tcp/pair_hash.hpp"

namespace fata::tcp {

struct SynOptions {
  // The peer's; a cookie rounds it down to one of a table of eight.
  std::uint16_t mss = 536;
  std::optional<std::uint8_t> window_scale{};  // the peer's; see SynCookies
  bool sack = false;
  bool timestamps = false;
  bool ecn = false;  // kept only with timestamps

  friend bool operator==(const SynOptions&, const SynOptions&) = default;
};

class SynCookies {
 public:
  explicit SynCookies(const SipKey& secret) : secret_(secret) {}

  // Returns the sequence number of the SYN-ACK. `peer_isn` is that of the SYN.
  std::uint32_t make(const Endpoint& local, const Endpoint& remote, std::uint32_t peer_isn,
                     const SynOptions& syn, Instant now) const;
  // The TSval of the SYN-ACK: at most 31 ticks before `tsval`, the connection's clock.
  static std::uint32_t timestamp(std::uint32_t tsval, const SynOptions& syn);

  // The options of the SYN if `cookie` (SEG.ACK - 1) was made here for this pair and `peer_isn`
  // (SEG.SEQ - 1) within the last 64 to 128 seconds. `tsecr`: of the segment, if it has timestamps.
  std::optional<SynOptions> check(const Endpoint& local, const Endpoint& remote,
                                  std::uint32_t peer_isn, std::uint32_t cookie,
                                  std::optional<std::uint32_t> tsecr, Instant now) const;

 private:
  std::uint32_t cookie(const Endpoint& local, const Endpoint& remote, std::uint32_t peer_isn,
                       std::uint32_t period, std::uint32_t bits) const;

  SipKey secret_;
};

}  // namespace fata::tcp
