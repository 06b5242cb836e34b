// Packets as a neighbour would send them, made field by field so that each can be made wrong; and a sink that
// records.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fata/base/pool.hpp"
#include "fata/net/checksum.hpp"
#include "fata/net/host.hpp"

namespace fata::net {

using Frame = std::vector<std::byte>;

inline constexpr MacAddress mac(std::uint8_t last) {
  return {{std::byte{2}, {}, {}, {}, {}, static_cast<std::byte>(last)}};
}
inline constexpr Ipv4Address ip(std::uint8_t last) { return Ipv4Address::of(10, 0, 0, last); }
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
  Ipv4Address from = ip(2);
  Ipv4Address to = ip(1);
  std::uint8_t protocol = ipv4::kUdp;
  std::uint8_t version = 4;
  int header_length = -1;  // in words; -1: right
  int total_length = -1;   // -1: right
  std::uint16_t flags = 0;
  std::uint16_t checksum_error = 0;
  Frame options{};
};
inline Frame ip_packet(const IpFields& fields, const Frame& payload) {
  const std::size_t header = 20 + fields.options.size();
  Frame packet(header);
  ByteWriter out(packet);
  const auto words = fields.header_length < 0 ? header / 4 : static_cast<std::size_t>(fields.header_length);
  out.u8(static_cast<std::uint8_t>(fields.version << 4 | words));
  out.u8(0);
  out.u16(static_cast<std::uint16_t>(
      fields.total_length < 0 ? header + payload.size() : static_cast<std::size_t>(fields.total_length)));
  out.u16(77);
  out.u16(fields.flags);
  out.u8(64);
  out.u8(fields.protocol);
  out.u16(0);
  out.u32(fields.from.value);
  out.u32(fields.to.value);
  out.bytes(fields.options);
  const std::size_t summed = std::min(packet.size(), words * 4);
  out.patch_u16(10,
                static_cast<std::uint16_t>(checksum(Bytes(packet).first(summed)) + fields.checksum_error));
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

struct UdpFields {
  std::uint16_t from = 4000;
  std::uint16_t to = 53;
  int length = -1;    // -1: right
  int checksum = -1;  // -1: right
  Ipv4Address source = ip(2), destination = ip(1);
};
inline Frame udp_datagram(const UdpFields& fields, const Frame& payload) {
  Frame datagram(8);
  const auto length = static_cast<std::uint16_t>(fields.length < 0 ? 8 + payload.size()
                                                                   : static_cast<std::size_t>(fields.length));
  store_be(MutableBytes(datagram), fields.from);
  store_be(MutableBytes(datagram).subspan(2), fields.to);
  store_be(MutableBytes(datagram).subspan(4), length);
  datagram.insert(datagram.end(), payload.begin(), payload.end());
  ChecksumSum sum;
  sum.add_pseudo(fields.source, fields.destination, ipv4::kUdp, length);
  sum.add(datagram);
  store_be(MutableBytes(datagram).subspan(6),
           fields.checksum < 0 ? sum.finish() : static_cast<std::uint16_t>(fields.checksum));
  return datagram;
}
inline Frame icmp_message(std::uint8_t type, std::uint8_t code, const Frame& rest) {
  Frame message{static_cast<std::byte>(type), static_cast<std::byte>(code), std::byte{}, std::byte{}};
  message.insert(message.end(), rest.begin(), rest.end());
  store_be(MutableBytes(message).subspan(2), checksum(message));
  return message;
}
// To host 1 from host 2, unless the fields say otherwise.
inline Frame ip_frame(const IpFields& fields, const Frame& payload, const MacAddress& to = mac(1)) {
  return ethernet_frame(to, mac(2), 0x0800, ip_packet(fields, payload));
}
inline Frame udp_frame(std::uint16_t port, std::string_view what = "hello") {
  return ip_frame({}, udp_datagram({.to = port}, text(what)));
}

// A Host, its memory, and all that comes out of it. Frames come out finished; their metadata beside them.
class Recorder final : public HostSink {
 public:
  struct Datagram {
    Endpoint from;
    IpAddress to;
    std::uint16_t port;
    std::string text;
  };

  explicit Recorder(HostConfig config = {mac(1), {ip(1), 24}}) : pool(64, 2048), host(config, *this) {}
  ~Recorder() { EXPECT_EQ(pool.available(), pool.count()) << "a buffer leaked"; }

  void receive(const Frame& frame, Offload offload = {}) {
    host.receive({Slice(pool.copy(frame)), {}, offload}, now);
  }
  void send(Ipv4Address to, std::string_view what, std::uint16_t port = 7) {
    sig::TxDatagram datagram{{to, port}, {}, pool.allocate(kUdpHeadroom)};
    copy_bytes(datagram.payload.append(what.size()), as_bytes(what));
    host.send_udp(std::move(datagram), 4000, now);
    EXPECT_FALSE(datagram.payload) << "the packet was not taken";
  }
  // Teaches host `last` to the cache.
  void teach(std::uint8_t last) {
    receive(ethernet_frame(mac(1), mac(last), 0x0806, arp_packet(arp::kReply, mac(last), ip(last), ip(1))));
    sent.clear();
  }
  void pass(Duration time) {
    now = now + time;
    host.tick(now);
  }
  std::uint64_t count(Host::Count which) const { return host.count(which); }

  BufferPool pool;
  std::vector<Frame> sent;
  std::vector<Offload> offloads;
  std::vector<Datagram> delivered;
  std::uint16_t listening = 53;
  Instant now = Instant{} + seconds(100);
  bool exhausted = false;
  Host host;

 private:
  PacketBuf allocate() override { return exhausted ? PacketBuf() : pool.allocate(kUdpHeadroom); }
  void transmit(PacketBuf frame) override {
    offloads.push_back(frame.offload());
    finish_checksum(frame.bytes(), frame.offload());
    const Bytes bytes = frame.bytes();
    sent.emplace_back(bytes.begin(), bytes.end());
  }
  bool deliver(sig::RxDatagram&& datagram, std::uint16_t local_port) override {
    if (local_port != listening) return false;
    delivered.push_back(
        {datagram.source, datagram.destination, local_port, std::string(datagram.payload.text())});
    datagram.payload = {};
    return true;
  }
};

}  // namespace fata::net
