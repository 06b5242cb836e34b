// UDP headers (RFC 768).
#pragma once

#include <expected>

#include "fata/base/bytes.hpp"
#include "fata/base/packet.hpp"
#include "fata/net/ipv4.hpp"

namespace fata::net::udp {

inline constexpr std::size_t kHeaderSize = 8;

enum class Malformed : std::uint8_t { kTruncated, kLength, kChecksum };

struct Header {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t length = 0;  // with the header

  // Checks the length against the IP payload and the checksum, unless it is absent (0) or the device vouches for it.
  static std::expected<Header, Malformed> parse(Bytes payload, const ipv4::Header& ip, const Offload& offload);
};

// Prepends a UDP header to `payload`. With `offload` the device finishes the checksum; checksum_start is then relative
// to the UDP header and must be moved on as lower headers are prepended.
void prepend_header(PacketBuf& payload, std::uint16_t source_port, std::uint16_t destination_port, Ipv4Address source,
                    Ipv4Address destination, bool offload);

}  // namespace fata::net::udp
