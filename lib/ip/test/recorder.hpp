// A host with IPv4 and UDP that records what it sends.
#pragma once

#include "../../wire/test/frames.hpp"
#include "fata/base/pool.hpp"
#include "fata/ip/host.hpp"
#include "fata/ip/ipv4/engine.hpp"
#include "fata/udp/table.hpp"

namespace fata::ip {

using namespace wire::test;

struct HostConfig {
  MacAddress mac = wire::test::mac(1);
  Ipv4Cidr address{v4_address(1), 24};
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
    host.attach(protocol::kUdp, udp);
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
    sig::TxDatagram datagram{{to, port}, {}, pool.allocate(kHeadroom + wire::udp::kHeaderSize)};
    copy_bytes(datagram.payload.append(what.size()), as_bytes(what));
    udp.send(std::move(datagram), *this, now);
    EXPECT_FALSE(datagram.payload) << "the packet was not taken";
  }
  // Adds host `last` to the ARP cache.
  void teach(std::uint8_t last) {
    receive(
        ethernet_frame(mac(1), mac(last), 0x0806,
                       arp_packet(wire::arp::kReply, mac(last), v4_address(last), v4_address(1))));
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
  std::vector<std::pair<udp::SocketErrc, Endpoint>> complaints;
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

}  // namespace fata::ip
