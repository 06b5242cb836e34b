// UDP headers (RFC 768).
#pragma once

#include <expected>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"
#include "fata/base/packet.hpp"

namespace fata::wire::udp {

inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::uint8_t kProtocol = 17;

enum class Malformed : std::uint8_t { kTruncated, kLength, kChecksum };

struct Header {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t length = 0;  // with the header

  // Checks the length against the IP payload, and the checksum unless the device has verified it.
  // The checksum may be absent (0) over IPv4 only (RFC 8200 section 8.1).
  static std::expected<Header, Malformed> parse(Bytes payload, const IpAddress& source,
                                                const IpAddress& destination,
                                                const Offload& offload);
};

// Prepends a UDP header to `payload`. With `offload`, the device completes the checksum;
// checksum_start is then relative to the UDP header and must be adjusted as lower headers are
// prepended.
void prepend_header(PacketBuf& payload, std::uint16_t source_port, std::uint16_t destination_port,
                    const IpAddress& source, const IpAddress& destination, bool offload);

}  // namespace fata::wire::udp
