// IPv6 packets of a neighbour, built field by field so that each field can be made invalid.
#pragma once

#include "fata/wire/ipv6.hpp"
#include "frames.hpp"

namespace fata::wire::test {

inline IpAddress v6(std::string_view text) { return IpAddress::parse_v6(text).value(); }
inline Frame bytes_of(const IpAddress& address) {
  return {address.octets().begin(), address.octets().end()};
}
inline Frame operator+(Frame a, const Frame& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline Frame hex(std::string_view digits) {
  Frame bytes;
  std::string clean;
  for (const char c : digits) {
    if (c != ' ') clean += c;
  }
  for (std::size_t i = 0; i + 1 < clean.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(clean.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

struct Ip6Fields {
  IpAddress from = v6("fe80::2");
  IpAddress to = v6("fe80::1");
  std::uint8_t next = ipv4::kUdp;
  std::uint8_t version = 6;
  int length = -1;  // -1: correct
  std::uint8_t hop_limit = 64;
};
inline Frame ip6_packet(const Ip6Fields& fields, const Frame& payload) {
  Frame packet(40);
  ByteWriter out(packet);
  out.u32(std::uint32_t{fields.version} << 28);
  out.u16(static_cast<std::uint16_t>(fields.length < 0 ? payload.size()
                                                       : static_cast<std::size_t>(fields.length)));
  out.u8(fields.next);
  out.u8(fields.hop_limit);
  out.bytes(fields.from.octets());
  out.bytes(fields.to.octets());
  return packet + payload;
}
inline Frame ip6_frame(const Ip6Fields& fields, const Frame& payload,
                       const MacAddress& to = mac(1)) {
  const MacAddress at = fields.to.is_multicast() ? ipv6::group_mac(fields.to) : to;
  return ethernet_frame(at, mac(2), 0x86dd, ip6_packet(fields, payload));
}
inline Frame udp6(const Ip6Fields& ip, const Frame& data, std::uint16_t to = 53,
                  int checksum = -1) {
  Frame datagram(8);
  store_be(MutableBytes(datagram), std::uint16_t{4000});
  store_be(MutableBytes(datagram).subspan(2), to);
  store_be(MutableBytes(datagram).subspan(4), static_cast<std::uint16_t>(8 + data.size()));
  datagram = datagram + data;
  ChecksumSum sum;
  sum.add_pseudo(ip.from, ip.to, 17, datagram.size());
  sum.add(datagram);
  store_be(MutableBytes(datagram).subspan(6),
           checksum < 0 ? sum.finish() : static_cast<std::uint16_t>(checksum));
  return datagram;
}
// A complete frame with an ICMPv6 message and its checksum. `rest` follows type, code and checksum.
inline Frame icmp6_frame(Ip6Fields ip, std::uint8_t type, std::uint8_t code, const Frame& rest) {
  Frame message =
      Frame{static_cast<std::byte>(type), static_cast<std::byte>(code), std::byte{}, std::byte{}} +
      rest;
  ChecksumSum sum;
  sum.add_pseudo(ip.from, ip.to, 58, message.size());
  sum.add(message);
  store_be(MutableBytes(message).subspan(2), sum.finish());
  ip.next = 58;
  return ip6_frame(ip, message);
}
inline Frame link_option(std::uint8_t type, const MacAddress& mac) {
  return Frame{static_cast<std::byte>(type), std::byte{1}} +
         Frame(mac.octets.begin(), mac.octets.end());
}
inline Frame neighbour_frame(Ip6Fields ip, std::uint8_t type, std::uint32_t flags,
                             const IpAddress& target, const Frame& options = {}) {
  Frame rest(4);
  store_be(MutableBytes(rest), flags);
  ip.hop_limit = ip.hop_limit == 64 ? 255 : ip.hop_limit;
  return icmp6_frame(ip, type, 0, rest + bytes_of(target) + options);
}

}  // namespace fata::wire::test
