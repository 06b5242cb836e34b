// ARP packets for IPv4 over Ethernet (RFC 826).
#pragma once

#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/bytes.hpp"

namespace fata::wire::arp {

inline constexpr std::size_t kPacketSize = 28;
inline constexpr std::uint16_t kRequest = 1;
inline constexpr std::uint16_t kReply = 2;

struct Packet {
  std::uint16_t operation = 0;
  MacAddress sender_mac;
  Ipv4Address sender;
  MacAddress target_mac;
  Ipv4Address target;

  // Accepts Ethernet/IPv4 only.
  static std::optional<Packet> parse(Bytes bytes);
  void write(MutableBytes to) const;  // kPacketSize bytes
};

}  // namespace fata::wire::arp
