// IPv4 headers (RFC 791).
#pragma once

#include <expected>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"

namespace fata::wire::ipv4 {

inline constexpr std::size_t kHeaderSize = 20;  // of headers we send: no options
inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kUdp = 17;

enum class Malformed : std::uint8_t {
  kTruncated,
  kVersion,
  kHeaderLength,
  kTotalLength,
  kChecksum
};

struct Header {
  Ipv4Address source;
  Ipv4Address destination;
  std::uint8_t protocol = 0;
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  std::uint16_t identification = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;          // in bytes
  std::uint16_t header_length = kHeaderSize;  // with options, which are skipped
  std::uint16_t total_length = 0;

  bool is_fragment() const { return more_fragments || fragment_offset != 0; }

  // Checks the version, both lengths against the packet, and the header checksum. Bytes after
  // total_length (Ethernet padding) are allowed. `size` is the size of the whole packet, of which
  // `packet` may hold only the first part.
  static std::expected<Header, Malformed> parse(Bytes packet, std::size_t size);
  static std::expected<Header, Malformed> parse(Bytes packet) {
    return parse(packet, packet.size());
  }
  // Parses the header of a packet of ours quoted by an ICMP error. The packet may be truncated
  // after its header, and routers have modified it.
  static std::expected<Header, Malformed> parse_quoted(Bytes packet);
  // Writes kHeaderSize bytes with their checksum; header_length is ignored.
  void write(MutableBytes to) const;
};

}  // namespace fata::wire::ipv4
