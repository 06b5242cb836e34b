// Ethernet II frames (RFC 894), without the frame check sequence.
#pragma once

#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"

namespace fata::wire::ethernet {

inline constexpr std::size_t kHeaderSize = 14;
// Size of the 802.1Q tag, where present.
inline constexpr std::size_t kTagSize = 4;
inline constexpr std::size_t kHeadroom = kHeaderSize + kTagSize;  // for both
enum class Type : std::uint16_t { kIpv4 = 0x0800, kArp = 0x0806, kTagged = 0x8100, kIpv6 = 0x86dd };

struct Header {
  MacAddress destination;
  MacAddress source;
  // A Type or an unknown value; below 1536, it is a length (IEEE 802.3).
  std::uint16_t type = 0;

  static std::optional<Header> parse(Bytes frame) {
    if (frame.size() < kHeaderSize) return std::nullopt;
    Header header;
    copy_bytes(header.destination.octets, frame.first(6));
    copy_bytes(header.source.octets, frame.subspan(6, 6));
    header.type = load_be<std::uint16_t>(frame.subspan(12, 2));
    return header;
  }
  // `to` holds at least kHeaderSize bytes.
  void write(MutableBytes to) const {
    copy_bytes(to.first(6), destination.octets);
    copy_bytes(to.subspan(6, 6), source.octets);
    store_be(to.subspan(12, 2), type);
  }
};

}  // namespace fata::wire::ethernet
