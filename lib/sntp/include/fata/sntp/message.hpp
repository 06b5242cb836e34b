// NTP messages (RFC 5905 section 7.3): a server's reply as a validated value, a client's request as
// bytes.
#pragma once

#include <array>
#include <expected>

#include "fata/base/bytes.hpp"
#include "fata/base/time.hpp"

namespace fata::sntp {

inline constexpr std::uint16_t kPort = 123;
inline constexpr std::size_t kMessageSize = 48;

// Codes of a kiss-o'-death (RFC 5905 section 7.4) that change what a client does.
inline constexpr std::uint32_t kDeny = 0x44454e59, kRestrict = 0x52535452, kRate = 0x52415445;

struct Reply {
  std::uint8_t leap = 0;     // 3: the server is not synchronized
  std::uint8_t stratum = 0;  // 0: a kiss-o'-death
  Duration precision;        // resolution of the server's clock
  Duration root_delay, root_dispersion;
  std::uint32_t reference_id = 0;  // the code of a kiss-o'-death
  std::uint64_t origin = 0;        // the request's transmit timestamp, unchanged
  // Timestamps of 1968 to 2104 (RFC 4330 section 3). 0 on the wire means "unknown" and is `unset`.
  WallTime reference, received, transmitted;
  bool unset = false;  // one of these three is unknown

  // False if it is not a reply of a server of version 4. Extension fields and a MAC are ignored.
  static bool parse(Bytes message, Reply& out);
};

// A request that reveals nothing about this machine: `cookie` replaces the transmit timestamp, and
// the server returns it as the origin timestamp.
void write_request(std::uint64_t cookie, std::span<std::byte, kMessageSize> out);

// A timestamp on the wire, in units of 2^-32 s.
WallTime from_timestamp(std::uint64_t timestamp);

}  // namespace fata::sntp
