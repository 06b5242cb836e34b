// Packets of a neighbour, built field by field so that each field can be made invalid, and a sink
// that records.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fata/base/pool.hpp"
#include "fata/net/checksum.hpp"
#include "fata/net/host.hpp"
#include "fata/net/ipv4/engine.hpp"
#include "fata/net/udp.hpp"

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
  Ipv4Address source = ip(2), destination = ip(1);
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

struct HostConfig {
  MacAddress mac = net::mac(1);
  Ipv4Cidr address{ip(1), 24};
  Ipv4Address gateway{};
  std::size_t mtu = 1500;
  bool tx_checksum = false;
  unsigned icmp_errors_per_second = 100;
};

// A host of one interface with IPv4 and UDP, its memory, and everything it sends. Frames are stored
// complete, with their metadata.
class Recorder final : public PacketSink, public udp::Port {
 public:
  struct Datagram {
    Endpoint from;
    IpAddress to;
    std::string text;
  };

  explicit Recorder(const HostConfig& config = {}, std::uint16_t port = 53)
      : pool(64, 2048), v4({{}, config.icmp_errors_per_second}), host(&v4, nullptr), udp(host) {
    host.attach(ip_protocol::kUdp, udp);
    link = host.add_interface({config.mac, config.mtu, {.tx_checksum = config.tx_checksum}}, *this,
                              now);
    EXPECT_TRUE(v4.add_address(*link, config.address, now));
    announced = std::move(sent);
    sent.clear();
    offloads.clear();
    if (!config.gateway.is_any()) v4.routes().add({{{}, 0}, config.gateway});
    EXPECT_TRUE(udp.bind(*this, {{}, port}));
  }
  ~Recorder() { EXPECT_EQ(pool.available() + kept.size(), pool.count()) << "a buffer leaked"; }

  void receive(const Frame& frame, Offload offload = {}) {
    host.receive(*link, {Slice(pool.copy(frame)), {}, offload}, now);
  }
  void send(Ipv4Address to, std::string_view what, std::uint16_t port = 7) {
    sig::TxDatagram datagram{{to, port}, {}, pool.allocate(kIpHeadroom + udp::kHeaderSize)};
    copy_bytes(datagram.payload.append(what.size()), as_bytes(what));
    udp.send(std::move(datagram), *this, now);
    EXPECT_FALSE(datagram.payload) << "the packet was not taken";
  }
  // Adds host `last` to the ARP cache.
  void teach(std::uint8_t last) {
    receive(ethernet_frame(mac(1), mac(last), 0x0806,
                           arp_packet(arp::kReply, mac(last), ip(last), ip(1))));
    sent.clear();
  }
  void pass(Duration time) {
    now = now + time;
    host.tick(now);
  }
  std::uint64_t count(std::string_view name) const { return host.count(name); }
  const arp::Cache& arp_cache() const { return v4.arp_cache(*link); }
  // All counters that are not 0, except those of normal traffic.
  std::string troubles() const {
    std::string all;
    for (const std::span<const Counter> part : {link->counters(), v4.counters(), udp.counters()}) {
      for (const Counter& counter : part) {
        const bool passed = counter.name == "received" || counter.name == "sent" ||
                            counter.name == "delivered" || counter.name == "udp_received" ||
                            counter.name == "reports_sent" || counter.name == "udp_sent";
        if (counter.value != 0 && !passed)
          all += std::string(counter.name) + " " + std::to_string(counter.value) + "\n";
      }
    }
    return all;
  }

  BufferPool pool;
  std::vector<PacketBuf> kept;
  std::vector<Frame> announced;
  std::vector<Frame> sent;
  std::vector<Offload> offloads;
  std::vector<Datagram> delivered;
  std::vector<std::pair<SocketErrc, Endpoint>> complaints;
  Instant now = Instant{} + seconds(100);
  bool exhausted = false;
  ipv4::Engine v4;
  Host host;
  udp::Table udp;
  Interface* link = nullptr;

 private:
  PacketBuf allocate(std::size_t headroom) override {
    return exhausted ? PacketBuf() : pool.allocate(headroom);
  }
  void transmit(PacketBuf frame) override {
    offloads.push_back(frame.offload());
    finish_checksum(frame.bytes(), frame.offload());
    const Bytes bytes = frame.bytes();
    sent.emplace_back(bytes.begin(), bytes.end());
  }
  void deliver(sig::RxDatagram&& datagram, Instant) override {
    delivered.push_back(
        {datagram.source, datagram.destination, std::string(datagram.payload.text())});
    datagram.payload = {};
  }
  void error(SocketErrc what, const Endpoint& remote) override {
    complaints.emplace_back(what, remote);
  }
};

}  // namespace fata::net
