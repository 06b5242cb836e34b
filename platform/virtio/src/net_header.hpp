// The header before each frame of virtio-net (virtio 1.2, section 5.1.6), as this driver negotiates it: with the number of
// buffers, 12 bytes, little endian.
#pragma once

#include <algorithm>
#include <optional>

#include "abi.hpp"
#include "fata/base/bytes.hpp"
#include "fata/base/packet.hpp"

namespace fata::virtio {

inline constexpr std::size_t kNetHeaderSize = 12;
static_assert(sizeof(virtio_net_hdr_v1) == kNetHeaderSize);

struct NetHeader {
  std::uint8_t flags = 0;
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
  std::uint16_t buffers = 0;

  static std::optional<NetHeader> parse(Bytes bytes) {
    if (bytes.size() < kNetHeaderSize) return std::nullopt;
    NetHeader header;
    header.flags = std::to_integer<std::uint8_t>(bytes[0]);
    header.checksum_start = load_le<std::uint16_t>(bytes.subspan(6));
    header.checksum_offset = load_le<std::uint16_t>(bytes.subspan(8));
    header.buffers = load_le<std::uint16_t>(bytes.subspan(10));
    return header;
  }

  // What the device says of a received frame. A sum that is still to be made comes from a sender in the same host, whose memory
  // is as good as its checksum.
  Offload received() const {
    Offload offload;
    offload.checksum_valid = (flags & (VIRTIO_NET_HDR_F_DATA_VALID | VIRTIO_NET_HDR_F_NEEDS_CSUM)) != 0;
    return offload;
  }

  static NetHeader of(const Offload& offload) {
    NetHeader header;
    if (offload.checksum_needed) {
      header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
      header.checksum_start = offload.checksum_start;
      header.checksum_offset = offload.checksum_offset;
    }
    return header;
  }
  void write(MutableBytes to) const {
    std::ranges::fill(to.first(kNetHeaderSize), std::byte{0});
    to[0] = static_cast<std::byte>(flags);
    store_le(to.subspan(6), checksum_start);
    store_le(to.subspan(8), checksum_offset);
  }
};

}  // namespace fata::virtio
