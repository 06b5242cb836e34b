// IPv6 packets of a neighbour, built field by field so that each field can be made invalid, and
// nodes on a wire.
#pragma once

#include <functional>

#include "fata/net/ipv6/engine.hpp"
#include "frames.hpp"

namespace fata::net {

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

// A sent packet, up to IPv6's payload.
struct Sent6 {
  MacAddress to_mac;
  ipv6::Header ip;
  Frame payload;
  std::uint8_t type() const { return payload.empty() ? 0 : static_cast<std::uint8_t>(payload[0]); }
};

// A node with both families on one interface; its UDP port is bound to 53.
class Node final : public PacketSink, public udp::Port {
 public:
  explicit Node(std::uint8_t last, sig::NetFeatures features = {}, std::uint16_t port = 53,
                std::uint8_t dad = 1)
      : pool(128, 2048), v6_engine({{last, 7}, 100, dad}), host(&v4, &v6_engine), udp(host) {
    host.attach(ip_protocol::kUdp, udp);
    link = host.add_interface({mac(last), 1500, features}, *this, now);
    EXPECT_TRUE(udp.bind(*this, {{}, port}));
  }
  // Returns a node with a static address after DAD; frames sent meanwhile are discarded.
  static std::unique_ptr<Node> ready(std::uint8_t last, std::string_view address,
                                     sig::NetFeatures features = {}) {
    auto node = std::make_unique<Node>(last, features);
    EXPECT_TRUE(node->v6_engine.add_address(*node->link, *Ipv6Cidr::parse(address), node->now));
    node->settle();
    return node;
  }
  ~Node() { EXPECT_EQ(pool.available(), pool.count()) << "a buffer leaked"; }

  void settle() {
    for (int i = 0; i < 50; ++i) pass(milliseconds(100));
    sent.clear();
  }
  void pass(Duration time) {
    now = now + time;
    host.tick(now);
  }
  void receive(const Frame& frame, Offload offload = {}) {
    host.receive(*link, {Slice(pool.copy(frame)), {}, offload}, now);
  }
  void send(const IpAddress& to, std::string_view what, std::uint16_t port = 53) {
    sig::TxDatagram datagram{{to, port}, {}, pool.allocate(kIpHeadroom + udp::kHeaderSize)};
    copy_bytes(datagram.payload.append(what.size()), as_bytes(what));
    udp.send(std::move(datagram), *this, now);
  }
  // Adds the neighbour to the table, in state stale.
  void teach(const IpAddress& neighbour, std::uint8_t last) {
    receive(neighbour_frame({.from = neighbour, .to = ipv6::solicited_node(address())}, 135, 0,
                            address(), link_option(1, mac(last))));
    sent.clear();
  }
  IpAddress address() const {
    for (const ipv6::Address& each : v6_engine.addresses()) {
      if (each.origin != ipv6::Address::Origin::kLinkLocal && each.usable()) return each.address();
    }
    return link_local();
  }
  IpAddress link_local() const {
    for (const ipv6::Address& each : v6_engine.addresses()) {
      if (each.origin == ipv6::Address::Origin::kLinkLocal) return each.address();
    }
    return {};
  }
  std::uint64_t count(std::string_view name) const { return host.count(name); }
  std::string troubles() const {
    std::string all;
    for (const std::span<const Counter> part :
         {link->counters(), v6_engine.counters(), udp.counters()}) {
      for (const Counter& counter : part) {
        static constexpr std::array<std::string_view, 9> kPassed{
            "received",        "sent",
            "v6_delivered",    "udp_received",
            "udp_sent",        "solicitations_sent",
            "v6_reports_sent", "advertisements_sent",
            "v6_echo_replies"};
        if (counter.value != 0 && !std::ranges::contains(kPassed, counter.name)) {
          all += std::string(counter.name) + " " + std::to_string(counter.value) + "\n";
        }
      }
    }
    return all;
  }
  // The n-th frame sent, which must be valid.
  Sent6 packet(std::size_t n) const {
    if (n >= sent.size()) return ADD_FAILURE() << "only " << sent.size() << " frames", Sent6{};
    const auto ethernet = ethernet::Header::parse(sent[n]);
    const Bytes bytes = Bytes(sent[n]).subspan(14);
    const auto header = ipv6::Header::parse(bytes, bytes.size());
    if (!header) return ADD_FAILURE() << "not IPv6", Sent6{};
    EXPECT_EQ(header->payload_length + 40u, bytes.size());
    const Bytes payload = bytes.subspan(40);
    if (header->next_header == 58) {
      ChecksumSum sum;
      sum.add_pseudo(header->source, header->destination, 58, payload.size());
      sum.add(payload);
      EXPECT_EQ(sum.finish(), 0) << "a wrong checksum was sent";
    }
    return {ethernet->destination, *header, Frame(payload.begin(), payload.end())};
  }

  BufferPool pool;
  std::vector<Frame> sent;
  std::vector<Offload> offloads;
  std::vector<Recorder::Datagram> delivered;
  std::vector<std::pair<SocketErrc, Endpoint>> complaints;
  Instant now = Instant{} + seconds(100);
  ipv4::Engine v4;
  ipv6::Engine v6_engine;
  Host host;
  udp::Table udp;
  Interface* link = nullptr;

 private:
  PacketBuf allocate(std::size_t headroom) override { return pool.allocate(headroom); }
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

// Carries frames between nodes until none sends. `lose` drops some.
inline void exchange(std::initializer_list<Node*> nodes,
                     const std::function<bool(const Frame&)>& lose = {}) {
  for (bool any = true; any;) {
    any = false;
    for (Node* from : nodes) {
      const std::vector<Frame> frames = std::exchange(from->sent, {});
      for (const Frame& frame : frames) {
        any = true;
        if (lose && lose(frame)) continue;
        for (Node* to : nodes) {
          if (to != from) to->receive(frame);
        }
      }
    }
  }
}
inline void pass(std::initializer_list<Node*> nodes, Duration time,
                 Duration step = milliseconds(100)) {
  for (Duration gone{}; gone < time; gone = gone + step) {
    for (Node* node : nodes) node->pass(step);
    exchange(nodes);
  }
}

}  // namespace fata::net
