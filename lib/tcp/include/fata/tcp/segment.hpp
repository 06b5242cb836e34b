// TCP's wire format by the names that the engine uses, and the sizes of segments.
#pragma once

#include <algorithm>

#include "fata/wire/tcp.hpp"

namespace fata::tcp {

using namespace wire::tcp;

// Bytes of a segment's data including its options: the capacity of a 68-byte path, the smallest
// that IPv4 allows (RFC 791).
inline constexpr std::uint16_t kMinMss = 28;
// A peer that requests a smaller MSS gets segments of this size, which may be fragmented over IPv4.
// Otherwise, a request for one-byte segments would cause a flood of headers.
inline constexpr std::uint16_t kMinPeerMss = 88;
// The smallest MSS that a SYN cookie can encode.
inline constexpr std::uint16_t kMinCookieMss = 216;

// The smallest start of a path MTU search after a black hole: the size that every host accepts (RFC
// 9293 section 3.7.1).
inline constexpr std::uint16_t kSmallestMss = 536;

// The data of a segment, including its options, that fits an IP packet of `mtu` bytes.
inline std::uint16_t mss_of_mtu(const IpAddress& remote, std::size_t mtu) {
  const std::size_t headers = (remote.is_v4() ? 20U : 40U) + kHeaderSize;
  return static_cast<std::uint16_t>(
      std::clamp<std::size_t>(mtu, headers + kMinMss, headers + 65535) - headers);
}

}  // namespace fata::tcp
