// IPv6 headers and extension headers (RFC 8200).
#pragma once

#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"

namespace fata::wire::ipv6 {

inline constexpr std::size_t kHeaderSize = 40;
inline constexpr std::size_t kFragmentHeaderSize = 8;
inline constexpr std::size_t kMinMtu = 1280;

inline constexpr std::uint8_t kHopByHop = 0;
inline constexpr std::uint8_t kRouting = 43;
inline constexpr std::uint8_t kFragment = 44;
inline constexpr std::uint8_t kNoNextHeader = 59;
inline constexpr std::uint8_t kDestinationOptions = 60;

inline constexpr IpAddress kAllNodes = IpAddress::of(0xff02, 0, 0, 0, 0, 0, 0, 1);
inline constexpr IpAddress kAllRouters = IpAddress::of(0xff02, 0, 0, 0, 0, 0, 0, 2);
inline constexpr IpAddress kLoopback = IpAddress::of(0, 0, 0, 0, 0, 0, 0, 1);

// ff02::1:ffXX:XXXX, the group that the node with that address joins (RFC 4291 section 2.7.1).
IpAddress solicited_node(const IpAddress& address);
// 33:33 and the last four bytes (RFC 2464 section 7).
MacAddress group_mac(const IpAddress& group);

struct Header {
  IpAddress source;
  IpAddress destination;
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;
  std::uint16_t payload_length = 0;
  std::uint8_t next_header = kNoNextHeader;
  std::uint8_t hop_limit = 64;

  // Checks the version, and the length against the packet's `size`. `packet` must hold at least the
  // header. Bytes after the payload (Ethernet padding) are allowed.
  static std::optional<Header> parse(Bytes packet, std::size_t size);
  // Checks only the version: for a packet of ours quoted by an ICMP error, which may be truncated.
  static std::optional<Header> parse_quoted(Bytes packet);
  void write(MutableBytes to) const;  // kHeaderSize bytes
};

struct FragmentHeader {
  std::uint8_t next_header = 0;
  std::uint16_t offset = 0;  // in bytes
  bool more = false;
  std::uint32_t identification = 0;

  void write(MutableBytes to) const;  // kFragmentHeaderSize bytes
};

// The position and reason at which the walk over the extension headers ended.
struct Walk {
  enum class End : std::uint8_t {
    // next_header is not an extension header known to us.
    kUpper,
    // A real fragment; offset is after the fragment header.
    kFragment,
    kNothing,  // no next header
    // A header ends outside the packet, or there are too many.
    kTruncated,
    // An option requires dropping the packet silently.
    kDropped,
    kProblem,  // to be answered with a parameter problem
  };
  // Limits for headers, and for options in all of them together. A packet with more is dropped (RFC
  // 8504 section 5.3).
  static constexpr unsigned kMaxHeaders = 8;
  static constexpr unsigned kMaxOptions = 32;

  End end = End::kTruncated;
  std::uint8_t next_header = 0;
  std::size_t offset = 0;          // of the next_header's data in the packet
  std::size_t next_header_at = 6;  // offset of the field that holds next_header
  FragmentHeader fragment{};       // for kFragment
  // For kFragment: the offset of the fragment header; next_header_at is the field that names it.
  std::size_t fragment_at = 0;
  std::uint8_t code = 0;        // for kProblem
  std::uint32_t pointer = 0;    // for kProblem
  bool even_to_groups = false;  // for kProblem: answer even if the packet was multicast
};

// `packet` begins with the IPv6 header and may be incomplete.
Walk walk_headers(Bytes packet, std::uint8_t next_header, std::size_t offset = kHeaderSize);

}  // namespace fata::wire::ipv6
