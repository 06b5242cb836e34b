// What driver and device of virtio-net agree on (virtio 1.2, sections 5.1.3 and 5.1.4), and what
// follows from it. Pure: numbers in, numbers out.
#pragma once

#include <cstdint>
#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"

namespace fata::virtio {

// The features to accept, of those that the device offers: none whose own condition (5.1.3.1) was
// not offered. `offload`: checksums and segmentation may be the device's work. `roomy`: there is
// memory for frames of 64 KiB. Segments are coalesced only into mergeable buffers: without those
// each buffer would have to be of 64 KiB.
std::uint64_t choose_net_features(std::uint64_t offered, bool offload, bool roomy);

// Fields of the device's configuration exist only with their feature; without it they hold
// anything.
struct NetConfig {
  static constexpr std::size_t kSize = 12;  // bytes of the configuration that are looked at

  std::optional<MacAddress> mac;  // of the device; else the driver chooses one
  // What may arrive; an MTU below 68, which no device may offer, is ignored.
  std::size_t link_mtu = 1500;

  static NetConfig parse(std::uint64_t features, Bytes config);
};

// The buffers to receive into. Without mergeable buffers each holds a frame of the link's MTU and a
// VLAN tag (5.1.6.3.1), and there are fewer where they are larger: the memory stays about the same.
struct ReceiveBuffers {
  std::uint16_t ring = 0;  // descriptors, a power of two
  std::size_t spare = 0;   // buffers beyond the ring's, for slices that are held
  std::size_t size = 0;    // of a buffer

  static ReceiveBuffers choose(std::uint64_t features, std::size_t link_mtu, bool roomy);
};

}  // namespace fata::virtio
