// Information and effects that remote attackers can get from a host with a few forged packets.
#include <set>

#include "nodes.hpp"

namespace fata::ip {
namespace {

std::uint16_t identification(const Frame& frame) {
  return load_be<std::uint16_t>(Bytes(frame).subspan(18));
}
bool has_df(const Frame& frame) { return (frame[20] & std::byte{0x40}) != std::byte{}; }

// Idle scan: a counter would reveal the number of packets sent to others: 0 1 2 3.
TEST(Identification, IsZeroBesideDfAndRandomElsewhere) {
  Recorder recorder;
  recorder.teach(2);
  recorder.teach(3);
  for (int i = 0; i < 20; ++i) recorder.send(v4_address(static_cast<std::uint8_t>(2 + i % 2)), "x");
  for (const Frame& frame : recorder.sent) {
    EXPECT_TRUE(has_df(frame));
    EXPECT_EQ(identification(frame), 0U);
  }
  recorder.sent.clear();
  static_cast<udp::Port&>(recorder).ignore_path();
  for (int i = 0; i < 64; ++i) recorder.send(v4_address(static_cast<std::uint8_t>(2 + i % 2)), "x");
  for (int i = 0; i < 32; ++i) recorder.send(v4_address(2), std::string(1473, 'x'));
  std::set<std::uint16_t> seen;
  int near = 0;
  std::uint16_t last = 0;
  for (const Frame& frame : recorder.sent) {
    EXPECT_FALSE(has_df(frame));
    seen.insert(identification(frame));
    near += static_cast<std::uint16_t>(identification(frame) - last) < 16 ? 1 : 0;
    last = identification(frame);
  }
  EXPECT_GE(seen.size(), 90U);
  EXPECT_LE(near, 32 + 4) << "only the fragments of one datagram are alike";
}

TEST(Identification, OfIpv6FragmentsIsRandom) {
  const auto node = Node::ready(1, "2001:db8::1/64");
  node->teach(v6("2001:db8::2"), 2);
  std::set<std::uint32_t> seen;
  std::uint32_t last = 0;
  int near = 0;
  for (int i = 0; i < 50; ++i) {
    node->sent.clear();
    node->send(v6("2001:db8::2"), std::string(1600, 'x'));
    ASSERT_EQ(node->sent.size(), 2U);
    const auto id = load_be<std::uint32_t>(Bytes(node->sent[0]).subspan(54 + 4));
    near += id - last < 1000 ? 1 : 0;
    last = id;
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 50U);
  EXPECT_LE(near, 1);
}

// A server's replies to unverified clients ignore the path MTU: no DF, no fragmentation.
TEST(IgnoredPath, LeavesDfClearAndFragmentsNothingThatTheLinkCarries) {
  Recorder recorder;
  recorder.teach(2);
  static_cast<udp::Port&>(recorder).ignore_path();
  recorder.host.lower_path_mtu(v4_address(2), 600, recorder.now);
  recorder.send(v4_address(2), std::string(1232, 'x'));
  ASSERT_EQ(recorder.sent.size(), 1U);
  EXPECT_FALSE(has_df(recorder.sent[0]));
  EXPECT_EQ(recorder.sent[0].size(), 14U + 28 + 1232);
  const auto node = Node::ready(1, "2001:db8::1/64");
  node->teach(v6("2001:db8::2"), 2);
  static_cast<udp::Port&>(*node).ignore_path();
  node->host.lower_path_mtu(v6("2001:db8::2"), 1280, node->now);
  node->send(v6("2001:db8::2"), std::string(1400, 'x'));
  EXPECT_EQ(node->sent.size(), 1U);
}

// RFC 6056, RFC 5452: a resolver's port is half of its secret.
TEST(UdpPorts, ThatNobodyNamesAreRandom) {
  std::set<std::uint16_t> first;
  for (std::uint64_t secret = 1; secret <= 64; ++secret) {
    Recorder ip_layer;
    udp::Table table(ip_layer.host, {secret, 0});
    struct Quiet final : udp::Port {
      void deliver(sig::RxDatagram&&, Instant) override {}
      void error(udp::SocketErrc, const Endpoint&) override {}
    };
    std::array<Quiet, 16> ports;
    int near = 0;
    std::uint16_t last = 0;
    for (Quiet& port : ports) {
      ASSERT_TRUE(table.bind(port, {}));
      EXPECT_GE(port.local().port, 49152);
      near += static_cast<std::uint16_t>(port.local().port - last) < 8 ? 1 : 0;
      last = port.local().port;
    }
    EXPECT_LE(near, 2);
    first.insert(ports[0].local().port);
  }
  EXPECT_GE(first.size(), 60U);
}

// Counting one's own share of the errors reveals nothing about others (CVE-2020-25705).
TEST(IcmpErrors, HaveARandomBurst) {
  std::set<std::size_t> bursts;
  for (std::uint64_t i = 0; i < 20; ++i) {
    Recorder recorder;
    recorder.teach(2);
    // Start at another second of the same host's life.
    for (std::uint64_t j = 0; j < i; ++j)
      recorder.receive(udp_frame(99)), recorder.pass(seconds(1));
    recorder.sent.clear();
    for (int j = 0; j < 200; ++j) recorder.receive(udp_frame(99));
    bursts.insert(recorder.sent.size());
  }
  EXPECT_GE(bursts.size(), 4U);
}

TEST(IcmpErrors, KeepTheirRateInTheLongRun) {
  Recorder recorder({.mac = mac(1), .address = {v4_address(1), 24}, .icmp_errors_per_second = 20});
  recorder.teach(2);
  for (int i = 0; i < 2000; ++i) {
    recorder.now = recorder.now + milliseconds(10);
    for (int j = 0; j < 5; ++j) recorder.receive(udp_frame(99));
  }
  EXPECT_NEAR(static_cast<double>(recorder.sent.size()), 400.0, 80.0);
}

TEST(Arp, AsksAtALimitedRateOnBehalfOfForgedSources) {
  Recorder recorder({.mac = mac(1), .address = {v4_address(1), 8}});
  std::size_t answered = 0;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    Frame ping = icmp_message(wire::icmp::kEcho, 0, Frame(8));
    recorder.receive(ip_frame({.from = {0x0a400000 + i * 3}, .protocol = wire::ipv4::kIcmp}, ping));
    recorder.now = recorder.now + microseconds(200);
  }
  for (const Frame& frame : recorder.sent) answered += frame[13] == std::byte{6} ? 1 : 0;
  EXPECT_LE(answered, 400U);
  EXPECT_GE(answered, 30U);
  // A neighbour needed later is requested.
  for (int i = 0; i < 6; ++i) recorder.pass(seconds(1));
  recorder.sent.clear();
  recorder.send(v4_address(9), "x");
  EXPECT_EQ(recorder.sent.size(), 1U);
  for (int i = 0; i < 6; ++i) recorder.pass(seconds(1));
}

TEST(Neighbours, AreSolicitedAtALimitedRateOnBehalfOfForgedSources) {
  const auto node = Node::ready(1, "2001:db8::1/64");
  node->sent.clear();
  for (std::uint32_t i = 0; i < 5000; ++i) {
    std::array<std::byte, 16> octets = node->address().octets();
    store_be(MutableBytes(octets).subspan(12), 0x1000 + i);
    node->receive(
        icmp6_frame({.from = IpAddress(octets), .to = node->address()}, 128, 0, text("0001hello")));
    node->now = node->now + microseconds(200);
  }
  EXPECT_LE(node->sent.size(), 400U);
  EXPECT_GE(node->sent.size(), 100U);
  node->settle();
}

// A fragment of 8 bytes at the end of 64 KiB does not displace a packet that fills its memory.
TEST(Reassembly, GivesUpTheEmptiestFirst) {
  Recorder recorder;
  recorder.teach(2);
  const Frame whole = udp_datagram({.to = 53, .checksum = 0}, Frame(3000));
  const Frame head(whole.begin(), whole.begin() + 1480), tail(whole.begin() + 1480, whole.end());
  recorder.receive(ip_frame({.flags = 0x2000}, head));
  for (std::uint8_t i = 0; i < 40; ++i)
    recorder.receive(ip_frame(
        {.from = v4_address(static_cast<std::uint8_t>(50 + i)), .flags = 0x1f00}, Frame(8)));
  recorder.receive(ip_frame({.flags = 1480 / 8}, tail));
  EXPECT_EQ(recorder.delivered.size(), 1U);
  EXPECT_EQ(recorder.count("reassembled"), 1U);
}

}  // namespace
}  // namespace fata::ip
