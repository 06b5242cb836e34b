// Packets of a neighbour, built field by field so that each field can be made invalid.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fata/wire/arp.hpp"
#include "fata/wire/checksum.hpp"
#include "fata/wire/ethernet.hpp"
#include "fata/wire/ipv4.hpp"

namespace fata::wire::test {

using Frame = std::vector<std::byte>;

inline constexpr MacAddress mac(std::uint8_t last) {
  return {{std::byte{2}, {}, {}, {}, {}, static_cast<std::byte>(last)}};
}
inline constexpr Ipv4Address v4_address(std::uint8_t last) {
  return Ipv4Address::of(10, 0, 0, last);
}
inline Frame text(std::string_view what) {
  const Bytes bytes = as_bytes(what);
  return {bytes.begin(), bytes.end()};
}

inline Frame ethernet_frame(const MacAddress& to, const MacAddress& from, std::uint16_t type,
                            const Frame& payload) {
  Frame frame(ethernet::kHeaderSize);
  ethernet::Header{to, from, type}.write(frame);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}
inline Frame arp_packet(std::uint16_t operation, const MacAddress& from_mac, Ipv4Address from,
                        Ipv4Address target) {
  Frame packet(arp::kPacketSize);
  arp::Packet{operation, from_mac, from, {}, target}.write(packet);
  return packet;
}

struct IpFields {
  Ipv4Address from = v4_address(2);
  Ipv4Address to = v4_address(1);
  std::uint8_t protocol = ipv4::kUdp;
  std::uint8_t version = 4;
  int header_length = -1;  // in words; -1: correct
  int total_length = -1;   // -1: correct
  std::uint16_t flags = 0;
  std::uint16_t checksum_error = 0;
  Frame options{};
};
inline Frame ip_packet(const IpFields& fields, const Frame& payload) {
  const std::size_t header = 20 + fields.options.size();
  Frame packet(header);
  ByteWriter out(packet);
  const auto words =
      fields.header_length < 0 ? header / 4 : static_cast<std::size_t>(fields.header_length);
  out.u8(static_cast<std::uint8_t>(fields.version << 4 | words));
  out.u8(0);
  out.u16(static_cast<std::uint16_t>(fields.total_length < 0
                                         ? header + payload.size()
                                         : static_cast<std::size_t>(fields.total_length)));
  out.u16(77);
  out.u16(fields.flags);
  out.u8(64);
  out.u8(fields.protocol);
  out.u16(0);
  out.u32(fields.from.value);
  out.u32(fields.to.value);
  out.bytes(fields.options);
  const std::size_t summed = std::min(packet.size(), words * 4);
  out.patch_u16(10, static_cast<std::uint16_t>(checksum(Bytes(packet).first(summed)) +
                                               fields.checksum_error));
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

struct UdpFields {
  std::uint16_t from = 4000;
  std::uint16_t to = 53;
  int length = -1;    // -1: correct
  int checksum = -1;  // -1: correct
  Ipv4Address source = v4_address(2), destination = v4_address(1);
};
inline Frame udp_datagram(const UdpFields& fields, const Frame& payload) {
  Frame datagram(8);
  const auto length = static_cast<std::uint16_t>(
      fields.length < 0 ? 8 + payload.size() : static_cast<std::size_t>(fields.length));
  store_be(MutableBytes(datagram), fields.from);
  store_be(MutableBytes(datagram).subspan(2), fields.to);
  store_be(MutableBytes(datagram).subspan(4), length);
  datagram.insert(datagram.end(), payload.begin(), payload.end());
  ChecksumSum sum;
  sum.add_pseudo(IpAddress(fields.source), IpAddress(fields.destination), ipv4::kUdp, length);
  sum.add(datagram);
  store_be(MutableBytes(datagram).subspan(6),
           fields.checksum < 0 ? sum.finish() : static_cast<std::uint16_t>(fields.checksum));
  return datagram;
}
inline Frame icmp_message(std::uint8_t type, std::uint8_t code, const Frame& rest) {
  Frame message{static_cast<std::byte>(type), static_cast<std::byte>(code), std::byte{},
                std::byte{}};
  message.insert(message.end(), rest.begin(), rest.end());
  store_be(MutableBytes(message).subspan(2), checksum(message));
  return message;
}
// To host 1 from host 2, unless the fields differ.
inline Frame ip_frame(const IpFields& fields, const Frame& payload, const MacAddress& to = mac(1)) {
  return ethernet_frame(to, mac(2), 0x0800, ip_packet(fields, payload));
}
inline Frame udp_frame(std::uint16_t port, std::string_view what = "hello") {
  return ip_frame({}, udp_datagram({.to = port}, text(what)));
}

}  // namespace fata::wire::test
