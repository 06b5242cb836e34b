// The header before each frame of virtio-net (virtio 1.2, section 5.1.6), as this driver negotiates
// it: 12 bytes, with the number of buffers, little endian; and the queue numbers.
#pragma once

#include <algorithm>

#include "abi.hpp"
#include "fata/base/bytes.hpp"
#include "fata/base/packet.hpp"

namespace fata::virtio {

inline constexpr std::uint16_t kReceiveQueue = 0, kTransmitQueue = 1;
inline constexpr std::size_t kNetHeaderSize = 12;
static_assert(sizeof(virtio_net_hdr_v1) == kNetHeaderSize);

struct NetHeader {
  std::uint8_t flags = 0;
  std::uint8_t gso_type = 0;
  std::uint16_t header_length = 0;
  std::uint16_t gso_size = 0;
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
  std::uint16_t buffers = 0;

  // `bytes`: at least kNetHeaderSize. The meaning of the fields depends on the features.
  static NetHeader parse(Bytes bytes) {
    NetHeader header;
    header.flags = std::to_integer<std::uint8_t>(bytes[0]);
    header.gso_type = std::to_integer<std::uint8_t>(bytes[1]);
    header.gso_size = load_le<std::uint16_t>(bytes.subspan(4));
    header.checksum_start = load_le<std::uint16_t>(bytes.subspan(6));
    header.checksum_offset = load_le<std::uint16_t>(bytes.subspan(8));
    header.buffers = load_le<std::uint16_t>(bytes.subspan(10));
    return header;
  }

  // The offload state of a received frame, limited to the negotiated features: `valid` are the
  // flags that mark the checksum as valid, `gso4` and `gso6` whether segments may be coalesced. A
  // frame whose checksum is still missing counts as valid: its sender is on the same host, and its
  // data never left that host's memory.
  Offload received(std::uint8_t valid, bool gso4, bool gso6) const {
    Offload offload;
    offload.checksum_valid = (flags & valid) != 0;
    const unsigned type = gso_type & ~unsigned{VIRTIO_NET_HDR_GSO_ECN};
    if (type == VIRTIO_NET_HDR_GSO_TCPV4 && gso4) offload.gso = Offload::Gso::kTcpV4;
    if (type == VIRTIO_NET_HDR_GSO_TCPV6 && gso6) offload.gso = Offload::Gso::kTcpV6;
    if (offload.gso != Offload::Gso::kNone) offload.gso_size = gso_size;
    return offload;
  }

  static NetHeader of(const Offload& offload) {
    NetHeader header;
    if (offload.checksum_needed) {
      header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
      header.checksum_start = offload.checksum_start;
      header.checksum_offset = offload.checksum_offset;
    }
    if (offload.gso != Offload::Gso::kNone) {
      const unsigned type =
          offload.gso == Offload::Gso::kTcpV4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
      header.gso_type =
          static_cast<std::uint8_t>(type | (offload.gso_ecn ? VIRTIO_NET_HDR_GSO_ECN : 0));
      header.header_length = offload.header_length;
      header.gso_size = offload.gso_size;
    }
    return header;
  }
  void write(MutableBytes to) const {
    std::ranges::fill(to.first(kNetHeaderSize), std::byte{0});
    to[0] = static_cast<std::byte>(flags);
    to[1] = static_cast<std::byte>(gso_type);
    store_le(to.subspan(2), header_length);
    store_le(to.subspan(4), gso_size);
    store_le(to.subspan(6), checksum_start);
    store_le(to.subspan(8), checksum_offset);
  }
};

}  // namespace fata::virtio
