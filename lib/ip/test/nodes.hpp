// Nodes with both families on a wire.
#pragma once

#include <functional>

#include "../../wire/test/frames6.hpp"
#include "fata/ip/ipv6/engine.hpp"
#include "recorder.hpp"

namespace fata::ip {

// A sent packet, up to IPv6's payload.
struct Sent6 {
  MacAddress to_mac;
  wire::ipv6::Header ip;
  Frame payload;
  std::uint8_t type() const { return payload.empty() ? 0 : static_cast<std::uint8_t>(payload[0]); }
};

// A node with both families on one interface; its UDP port is bound to 53.
class Node final : public PacketSink, public udp::Port {
 public:
  explicit Node(std::uint8_t last, sig::NetFeatures features = {}, std::uint16_t port = 53,
                std::uint8_t dad = 1)
      : pool(128, 2048), v6_engine({{last, 7}, 100, dad}), host(&v4, &v6_engine), udp(host) {
    host.attach(protocol::kUdp, udp);
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
    sig::TxDatagram datagram{{to, port}, {}, pool.allocate(kHeadroom + wire::udp::kHeaderSize)};
    copy_bytes(datagram.payload.append(what.size()), as_bytes(what));
    udp.send(std::move(datagram), *this, now);
  }
  // Adds the neighbour to the table, in state stale.
  void teach(const IpAddress& neighbour, std::uint8_t last) {
    receive(neighbour_frame({.from = neighbour, .to = wire::ipv6::solicited_node(address())}, 135,
                            0, address(), link_option(1, mac(last))));
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
    const auto ethernet = wire::ethernet::Header::parse(sent[n]);
    const Bytes bytes = Bytes(sent[n]).subspan(14);
    const auto header = wire::ipv6::Header::parse(bytes, bytes.size());
    if (!header) return ADD_FAILURE() << "not IPv6", Sent6{};
    EXPECT_EQ(header->payload_length + 40u, bytes.size());
    const Bytes payload = bytes.subspan(40);
    if (header->next_header == 58) {
      wire::ChecksumSum sum;
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
  std::vector<std::pair<udp::SocketErrc, Endpoint>> complaints;
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
    wire::finish_checksum(frame.bytes(), frame.offload());
    const Bytes bytes = frame.bytes();
    sent.emplace_back(bytes.begin(), bytes.end());
  }
  void deliver(sig::RxDatagram&& datagram, Instant) override {
    delivered.push_back(
        {datagram.source, datagram.destination, std::string(datagram.payload.text())});
    datagram.payload = {};
  }
  void error(udp::SocketErrc what, const Endpoint& remote) override {
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

}  // namespace fata::ip
