#include "fata/virtio/net_terms.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "abi.hpp"
#include "net_header.hpp"

namespace fata::virtio {

namespace {
constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr std::uint64_t kAlways = bit(VIRTIO_F_VERSION_1) | bit(VIRTIO_RING_F_EVENT_IDX) |
                                  bit(VIRTIO_NET_F_MAC) | bit(VIRTIO_NET_F_MTU) |
                                  bit(VIRTIO_NET_F_MRG_RXBUF);
constexpr std::uint64_t kCut =
    bit(VIRTIO_NET_F_HOST_TSO4) | bit(VIRTIO_NET_F_HOST_TSO6) | bit(VIRTIO_NET_F_HOST_ECN);
constexpr std::uint64_t kCoalesced = bit(VIRTIO_NET_F_GUEST_TSO4) | bit(VIRTIO_NET_F_GUEST_TSO6);

// 128 descriptors need 384 KiB of buffers, which still fits in a guest of 4 MB. With enough memory,
// there are twice as many, of a page each, so that a frame of 64 KiB fits in an RxFrame.
constexpr std::uint16_t kRing = 128;
constexpr std::size_t kSpare = 64, kBufferSize = 2048;
constexpr std::size_t kLinkHeader = 14 + 4;  // with a VLAN tag
constexpr std::size_t kMinMtu = 68;

static_assert(offsetof(virtio_net_config, mac) == 0 &&
              offsetof(virtio_net_config, mtu) + 2 == NetConfig::kSize);
}  // namespace

std::uint64_t choose_net_features(std::uint64_t offered, bool offload, bool roomy) {
  std::uint64_t wanted = kAlways;
  if (offload) {
    wanted |= bit(VIRTIO_NET_F_CSUM) | bit(VIRTIO_NET_F_GUEST_CSUM);
    const bool cuts = (offered & kCut) == kCut && (offered & bit(VIRTIO_NET_F_CSUM)) != 0;
    if (cuts) wanted |= kCut;
    const std::uint64_t needed = bit(VIRTIO_NET_F_GUEST_CSUM) | bit(VIRTIO_NET_F_MRG_RXBUF);
    // Some devices accept the features of one direction only with those of the other.
    if (cuts && roomy && (offered & needed) == needed && (offered & kCoalesced) != 0)
      wanted |= kCoalesced | bit(VIRTIO_NET_F_GUEST_ECN);
  }
  return offered & wanted;
}

NetConfig NetConfig::parse(std::uint64_t features, Bytes config) {
  NetConfig parsed;
  if ((features & bit(VIRTIO_NET_F_MAC)) != 0) {
    copy_bytes(parsed.mac.emplace().octets, config.first(6));
  }
  if ((features & bit(VIRTIO_NET_F_MTU)) != 0) {
    const std::size_t mtu =
        load_le<std::uint16_t>(config.subspan(offsetof(virtio_net_config, mtu)));
    if (mtu >= kMinMtu) parsed.link_mtu = mtu;
  }
  return parsed;
}

ReceiveBuffers ReceiveBuffers::choose(std::uint64_t features, std::size_t link_mtu, bool roomy) {
  const auto ring = static_cast<std::uint16_t>(roomy ? 2 * kRing : kRing);
  const std::size_t size = roomy ? 2 * kBufferSize : kBufferSize;
  const std::size_t needed = kNetHeaderSize + kLinkHeader + link_mtu;
  if ((features & bit(VIRTIO_NET_F_MRG_RXBUF)) != 0 || needed <= size) return {ring, kSpare, size};
  const auto fewer =
      static_cast<std::uint16_t>(std::bit_floor((ring + kSpare) * size / needed) / 2);
  return {fewer, fewer, needed};
}

}  // namespace fata::virtio
