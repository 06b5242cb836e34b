// The features negotiated with a virtio-net device (virtio 1.2, sections 5.1.3 and 5.1.4) and their
// consequences. Pure functions on numbers.
#pragma once

#include <cstdint>
#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"

namespace fata::virtio {

// The features to accept out of those offered. A feature is not accepted if its requirement
// (5.1.3.1) was not offered. `offload`: accept checksum and segmentation offload. `roomy`: there is
// memory for frames of 64 KiB. Coalesced segments are accepted only with mergeable buffers, because
// otherwise each buffer would need 64 KiB.
std::uint64_t choose_net_features(std::uint64_t offered, bool offload, bool roomy);

// Fields of the device's configuration are valid only with their feature.
struct NetConfig {
  static constexpr std::size_t kSize = 12;  // bytes of the configuration that are read

  std::optional<MacAddress> mac;  // the device's; empty: the driver chooses one
  // The maximum size of a received packet. An MTU below 68, which the specification forbids, is
  // ignored.
  std::size_t link_mtu = 1500;

  static NetConfig parse(std::uint64_t features, Bytes config);
};

// The receive buffers. Without mergeable buffers, each buffer holds a frame of the link's MTU and a
// VLAN tag (5.1.6.3.1); larger buffers are fewer, so that the memory stays about the same.
struct ReceiveBuffers {
  std::uint16_t ring = 0;  // descriptors, a power of two
  std::size_t spare = 0;   // buffers beyond the ring's, for slices in use
  std::size_t size = 0;    // of a buffer

  static ReceiveBuffers choose(std::uint64_t features, std::size_t link_mtu, bool roomy);
};

}  // namespace fata::virtio
