// An IPv4 layer as seen by UDP, TCP and ICMP.
#pragma once

#include <cstdint>
#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"

namespace fata::sig {

template <class I>
concept Ipv4 =
    requires(I& ip, Ipv4Address to, Ipv4Address from, std::uint8_t protocol, PacketBuf payload) {
      // The source address for packets to `to`; nullopt without a route.
      { ip.source_for(to) } -> std::same_as<std::optional<Ipv4Address>>;
      // Largest payload of a packet.
      { ip.max_payload() } -> std::same_as<std::size_t>;
      // An empty packet with headroom for all lower headers.
      { ip.allocate() } -> std::same_as<PacketBuf>;
      // Prepends the header and sends the packet; drops and counts it if it cannot be sent.
      { ip.send(to, from, protocol, std::move(payload)) } -> std::same_as<void>;
    };

namespace archetype {
struct Ipv4 {
  std::optional<Ipv4Address> source_for(Ipv4Address) { return std::nullopt; }
  std::size_t max_payload() { return 1480; }
  PacketBuf allocate() { return {}; }
  void send(Ipv4Address, Ipv4Address, std::uint8_t, PacketBuf) {}
};
}  // namespace archetype

}  // namespace fata::sig
