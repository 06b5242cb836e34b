#include "fata/ip/host.hpp"

#include "recorder.hpp"

namespace fata::ip {
namespace {

struct Sent {
  wire::ethernet::Header ethernet;
  wire::ipv4::Header ip;
  Bytes payload;  // of IP
};
// A frame that must be valid up to IP's payload.
Sent sent_packet(const Frame& frame) {
  const auto ethernet = wire::ethernet::Header::parse(frame);
  const Bytes packet = Bytes(frame).subspan(wire::ethernet::kHeaderSize);
  const auto ip = wire::ipv4::Header::parse(packet);
  EXPECT_TRUE(ethernet && ip);
  if (!ethernet || !ip) return {};
  EXPECT_EQ(ip->total_length, packet.size());
  return {*ethernet, *ip, packet.subspan(ip->header_length)};
}
wire::arp::Packet sent_arp(const Frame& frame) {
  const auto packet = wire::arp::Packet::parse(Bytes(frame).subspan(wire::ethernet::kHeaderSize));
  EXPECT_TRUE(packet);
  return packet.value_or(wire::arp::Packet{});
}

TEST(Host, CountsEachMalformedFrameUnderItsOwnNameAndAnswersNone) {
  struct Case {
    const char* what;
    Frame frame;
    const char* counter;
  };
  const Frame hello = udp_datagram({}, text("hello"));
  const auto arp_from = [](const MacAddress& from_mac, Ipv4Address from) {
    return ethernet_frame(mac(1), mac(2), 0x0806,
                          arp_packet(wire::arp::kRequest, from_mac, from, v4_address(1)));
  };
  const Case cases[] = {
      {"nothing", {}, "bad_frame"},
      {"13 bytes", Frame(13), "bad_frame"},
      {"from a multicast address", ethernet_frame(mac(1), MacAddress::broadcast(), 0x0800, hello),
       "bad_frame"},
      {"to another NIC", ip_frame({}, hello, mac(9)), "other_nic"},
      {"IPv6", ethernet_frame(mac(1), mac(2), 0x86dd, Frame(40)), "unknown_type"},
      {"an 802.3 length", ethernet_frame(mac(1), mac(2), 46, Frame(46)), "unknown_type"},
      {"a cut ARP packet", ethernet_frame(mac(1), mac(2), 0x0806, Frame(27)), "bad_arp"},
      {"ARP from a broadcast address", arp_from(MacAddress::broadcast(), v4_address(2)), "bad_arp"},
      {"ARP from no address", arp_from({}, v4_address(2)), "bad_arp"},
      {"our own ARP come back", arp_from(mac(1), v4_address(1)), "not_for_us"},
      {"a cut IP header", ethernet_frame(mac(1), mac(2), 0x0800, Frame(19)), "bad_ip"},
      {"IP version 6 in an IPv4 frame", ip_frame({.version = 6}, hello), "bad_ip"},
      {"a short IP header", ip_frame({.header_length = 4}, hello), "bad_ip"},
      {"a long IP header", ip_frame({.header_length = 15}, hello), "bad_ip"},
      {"a total length below the header's", ip_frame({.total_length = 10}, hello), "bad_ip"},
      {"a total length beyond the frame", ip_frame({.total_length = 1000}, hello), "bad_ip"},
      {"a wrong IP checksum", ip_frame({.checksum_error = 1}, hello), "ip_checksum"},
      {"to another host", ip_frame({.to = v4_address(9)}, hello), "not_for_us"},
      {"to a multicast group", ip_frame({.to = Ipv4Address::of(224, 0, 0, 9)}, hello),
       "not_for_us"},
      {"a cut IGMP message",
       ip_frame({.to = Ipv4Address::of(224, 0, 0, 1), .protocol = 2}, Frame(7)), "bad_igmp"},
      {"a fragment of odd length", ip_frame({.flags = 0x2000}, Frame(9)), "bad_fragment"},
      {"a fragment of nothing", ip_frame({.flags = 0x2000}, {}), "bad_fragment"},
      {"a fragment beyond 65535 bytes", ip_frame({.flags = 0x1fff}, Frame(16)), "bad_fragment"},
      {"from a multicast group", ip_frame({.from = Ipv4Address::of(224, 0, 0, 1)}, hello),
       "bad_address"},
      {"from loopback", ip_frame({.from = Ipv4Address::of(127, 0, 0, 1)}, hello), "bad_address"},
      {"from the broadcast address", ip_frame({.from = {0xffffffff}}, hello), "bad_address"},
      {"from the network's broadcast address", ip_frame({.from = v4_address(255)}, hello),
       "bad_address"},
      {"from nowhere", ip_frame({.from = {}}, hello), "bad_address"},
      {"from this network", ip_frame({.from = Ipv4Address::of(0, 1, 2, 3)}, hello), "bad_address"},
      {"from ourselves", ip_frame({.from = v4_address(1)}, hello), "bad_address"},
      {"TCP to all", ip_frame({.to = v4_address(255), .protocol = 6}, Frame(20)),
       "unknown_protocol"},
      {"a cut UDP header", ip_frame({}, Frame(7)), "bad_udp"},
      {"a UDP length below 8", ip_frame({}, udp_datagram({.length = 7}, {})), "bad_udp"},
      {"a UDP length beyond the packet", ip_frame({}, udp_datagram({.length = 9}, {})), "bad_udp"},
      {"a wrong UDP checksum", ip_frame({}, udp_datagram({.checksum = 1}, text("x"))),
       "udp_checksum"},
      {"a cut ICMP message", ip_frame({.protocol = wire::ipv4::kIcmp}, Frame(7)), "bad_icmp"},
      {"a wrong ICMP checksum", ip_frame({.protocol = wire::ipv4::kIcmp}, Frame(8)), "bad_icmp"},
  };
  for (const Case& each : cases) {
    Recorder recorder;
    recorder.receive(each.frame);
    EXPECT_EQ(recorder.troubles(), std::string(each.counter) + " 1\n") << each.what;
    EXPECT_TRUE(recorder.sent.empty() && recorder.delivered.empty()) << each.what;
    EXPECT_EQ(recorder.arp_cache().size(), 0u) << each.what;
  }
}

TEST(Host, DeliversADatagramWithItsAddressesAndWithoutThePadding) {
  Recorder recorder;
  Frame frame = udp_frame(53, "hi");
  frame.resize(60, std::byte{0xee});
  recorder.receive(frame);
  ASSERT_EQ(recorder.delivered.size(), 1u);
  EXPECT_EQ(recorder.delivered[0].text, "hi");
  EXPECT_EQ(recorder.delivered[0].from, (Endpoint{v4_address(2), 4000}));
  EXPECT_EQ(recorder.delivered[0].to, IpAddress(v4_address(1)));
  // Bytes of the IP packet after the UDP datagram are not payload either.
  recorder.receive(ip_frame({}, udp_datagram({.length = 10, .checksum = 0}, text("yes and no"))));
  EXPECT_EQ(recorder.delivered.at(1).text, "ye");
}

TEST(Host, TakesPaddingForNoPartOfAPacket) {
  Recorder recorder;
  recorder.teach(2);
  Frame ping =
      ip_frame({.protocol = wire::ipv4::kIcmp}, icmp_message(wire::icmp::kEcho, 0, Frame(5)));
  ping.resize(60, std::byte{0xee});
  recorder.receive(ping);
  ASSERT_EQ(recorder.sent.size(), 1u);
  EXPECT_EQ(sent_packet(recorder.sent[0]).payload.size(), 9u);
  // A UDP length that extends into the padding is invalid.
  Frame reaching = ip_frame({}, udp_datagram({.length = 14, .checksum = 0}, text("hello")));
  reaching.resize(60, std::byte{0xee});
  recorder.receive(reaching);
  EXPECT_EQ(recorder.count("bad_udp"), 1u);
}

TEST(Host, PassesOverIpOptions) {
  Recorder recorder;
  recorder.receive(ip_frame({.options = Frame(40, std::byte{1})}, udp_datagram({}, text("hello"))));
  ASSERT_EQ(recorder.delivered.size(), 1u);
  EXPECT_EQ(recorder.delivered[0].text, "hello");
}

TEST(Host, ListensToBroadcastsOfItsNetworkAndOfTheWholeLink) {
  for (const Ipv4Address to : {v4_address(255), Ipv4Address{0xffffffff}}) {
    Recorder recorder;
    recorder.receive(ip_frame({.to = to}, udp_datagram({.destination = to}, text("all")),
                              MacAddress::broadcast()));
    ASSERT_EQ(recorder.delivered.size(), 1u);
    EXPECT_EQ(recorder.delivered[0].to, IpAddress(to));
  }
  // A network of two addresses has no broadcast address (RFC 3021).
  Recorder narrow({mac(1), {v4_address(0), 31}});
  narrow.receive(ip_frame({.from = v4_address(7), .to = v4_address(1)}, udp_datagram({}, {})));
  EXPECT_EQ(narrow.count("not_for_us"), 1u);
}

TEST(Host, AnswersEchoRequestsWithWhatTheyHeld) {
  Recorder recorder;
  recorder.teach(2);
  Frame rest(1472 - 4 + 4);
  for (std::size_t i = 0; i < rest.size(); ++i) rest[i] = static_cast<std::byte>(i * 7);
  recorder.receive(
      ip_frame({.protocol = wire::ipv4::kIcmp}, icmp_message(wire::icmp::kEcho, 0, rest)));
  ASSERT_EQ(recorder.sent.size(), 1u);
  const Sent reply = sent_packet(recorder.sent[0]);
  EXPECT_EQ(reply.ethernet.destination, mac(2));
  EXPECT_EQ(reply.ip.source, v4_address(1));
  EXPECT_EQ(reply.ip.destination, v4_address(2));
  EXPECT_EQ(wire::icmp::Header::parse(reply.payload)->type, wire::icmp::kEchoReply);
  EXPECT_TRUE(equal_bytes(reply.payload.subspan(4), rest));
  EXPECT_EQ(recorder.count("echo_replies"), 1u);
}

TEST(Host, DoesNotAnswerEchoRequestsToBroadcastsNorOtherMessages) {
  Recorder recorder;
  recorder.teach(2);
  const Frame echo = icmp_message(wire::icmp::kEcho, 0, Frame(8));
  recorder.receive(ip_frame({.to = v4_address(255), .protocol = wire::ipv4::kIcmp}, echo,
                            MacAddress::broadcast()));
  recorder.receive(
      ip_frame({.to = {0xffffffff}, .protocol = wire::ipv4::kIcmp}, echo, MacAddress::broadcast()));
  recorder.receive(ip_frame({.protocol = wire::ipv4::kIcmp}, echo,
                            MacAddress::broadcast()));  // a broadcast frame to our address
  for (const std::uint8_t type : {0, 4, 5, 11, 13, 17, 255}) {
    recorder.receive(ip_frame({.protocol = wire::ipv4::kIcmp}, icmp_message(type, 0, Frame(8))));
  }
  EXPECT_TRUE(recorder.sent.empty());
}

TEST(Host, TellsTheSenderThatAPortIsUnreachableQuotingItsPacket) {
  Recorder recorder;
  recorder.teach(2);
  for (const std::size_t size : {0, 8, 1000}) {
    recorder.sent.clear();
    const Frame offending = ip_frame({}, udp_datagram({.to = 99}, Frame(size, std::byte{7})));
    recorder.receive(offending);
    ASSERT_EQ(recorder.sent.size(), 1u);
    const Sent error = sent_packet(recorder.sent[0]);
    EXPECT_EQ(error.ip.destination, v4_address(2));
    EXPECT_LE(error.ip.total_length, 576);
    const auto header = wire::icmp::Header::parse(error.payload);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->type, 3);
    EXPECT_EQ(header->code, 3);
    const Bytes quoted = error.payload.subspan(8);
    EXPECT_TRUE(equal_bytes(quoted, Bytes(offending).subspan(14, quoted.size())));
    EXPECT_EQ(quoted.size(), std::min<std::size_t>(offending.size() - 14, 548));
  }
  EXPECT_EQ(recorder.count("no_listener"), 3u);
}

TEST(Host, SendsNoErrorsForBroadcastsNorToPortZero) {
  Recorder recorder;
  recorder.teach(2);
  const Frame closed = udp_datagram({.to = 99, .checksum = 0}, text("x"));
  recorder.receive(ip_frame({.to = v4_address(255)}, closed, MacAddress::broadcast()));
  recorder.receive(ip_frame({.to = {0xffffffff}}, closed, MacAddress::broadcast()));
  recorder.receive(ip_frame({.to = v4_address(255)}, closed));
  recorder.receive(ip_frame({}, closed, MacAddress::broadcast()));
  recorder.receive(ip_frame({}, udp_datagram({.from = 0, .to = 99, .checksum = 0}, text("x"))));
  EXPECT_EQ(recorder.count("no_listener"), 5u);
  EXPECT_TRUE(recorder.sent.empty());
}

TEST(Host, LimitsTheRateOfItsErrors) {
  Recorder recorder({.mac = mac(1), .address = {v4_address(1), 24}, .icmp_errors_per_second = 20});
  recorder.teach(2);
  for (int i = 0; i < 1000; ++i) recorder.receive(udp_frame(99));
  const std::size_t burst = recorder.sent.size();
  EXPECT_TRUE(burst >= 5 && burst <= 25) << burst;  // 10 errors of 0, 1 or 2 tokens each
  recorder.now = recorder.now + milliseconds(101);
  for (int i = 0; i < 1000; ++i) recorder.receive(udp_frame(99));
  const std::size_t more = recorder.sent.size() - burst;
  EXPECT_TRUE(more >= 1 && more <= 15) << more;
  EXPECT_EQ(recorder.count("icmp_errors_sent"), recorder.sent.size());
}

TEST(Host, TellsTheSenderThatAProtocolIsUnreachable) {
  Recorder recorder;
  recorder.teach(2);
  recorder.receive(ip_frame({.protocol = 6}, Frame(20)));
  ASSERT_EQ(recorder.sent.size(), 1u);
  const auto header = wire::icmp::Header::parse(sent_packet(recorder.sent[0]).payload);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, wire::icmp::kUnreachable);
  EXPECT_EQ(header->code, wire::icmp::kCodeProtocol);
}

TEST(Host, HearsWhatItSendsToItselfAtTheNextTick) {
  Recorder recorder;
  for (const Ipv4Address to :
       {v4_address(1), Ipv4Address::of(127, 0, 0, 1), Ipv4Address::of(127, 9, 9, 9)}) {
    recorder.delivered.clear();
    recorder.send(to, "me", 53);
    EXPECT_TRUE(recorder.delivered.empty());
    EXPECT_LE(recorder.host.next_deadline(), recorder.now);
    recorder.pass({});
    ASSERT_EQ(recorder.delivered.size(), 1u);
    EXPECT_EQ(recorder.delivered[0].text, "me");
    EXPECT_EQ(recorder.delivered[0].from, (Endpoint{to, 53}));
  }
  recorder.send(v4_address(1), "nobody", 99);
  recorder.pass({});
  recorder.pass({});
  ASSERT_EQ(recorder.complaints.size(), 1u);
  EXPECT_EQ(recorder.complaints[0].first, udp::SocketErrc::kPortUnreachable);
  EXPECT_TRUE(recorder.sent.empty());
}

TEST(Host, AnnouncesItsAddressToAll) {
  const Recorder recorder;
  ASSERT_EQ(recorder.announced.size(), 1u);
  EXPECT_EQ(wire::ethernet::Header::parse(recorder.announced[0])->destination,
            MacAddress::broadcast());
  const wire::arp::Packet packet = sent_arp(recorder.announced[0]);
  EXPECT_EQ(packet.operation, wire::arp::kRequest);
  EXPECT_EQ(packet.sender, v4_address(1));
  EXPECT_EQ(packet.target, v4_address(1));
  EXPECT_EQ(packet.sender_mac, mac(1));
}

TEST(Host, AnswersWhoAsksForItsAddressAndLearnsTheAsker) {
  Recorder recorder;
  recorder.receive(
      ethernet_frame(MacAddress::broadcast(), mac(2), 0x0806,
                     arp_packet(wire::arp::kRequest, mac(2), v4_address(2), v4_address(1))));
  ASSERT_EQ(recorder.sent.size(), 1u);
  EXPECT_EQ(wire::ethernet::Header::parse(recorder.sent[0])->destination, mac(2));
  const wire::arp::Packet reply = sent_arp(recorder.sent[0]);
  EXPECT_EQ(reply.operation, wire::arp::kReply);
  EXPECT_EQ(reply.sender, v4_address(1));
  EXPECT_EQ(reply.sender_mac, mac(1));
  EXPECT_EQ(reply.target, v4_address(2));
  EXPECT_EQ(reply.target_mac, mac(2));
  recorder.send(v4_address(2), "hello");
  EXPECT_EQ(sent_packet(recorder.sent.at(1)).ethernet.destination, mac(2));
}

TEST(Host, AnswersAProbeForItsAddressAndLearnsNothingFromIt) {
  Recorder recorder;
  recorder.receive(ethernet_frame(MacAddress::broadcast(), mac(2), 0x0806,
                                  arp_packet(wire::arp::kRequest, mac(2), {}, v4_address(1))));
  ASSERT_EQ(recorder.sent.size(), 1u);
  EXPECT_EQ(sent_arp(recorder.sent[0]).operation, wire::arp::kReply);
  EXPECT_EQ(recorder.arp_cache().size(), 0u);
}

TEST(Host, LearnsNothingFromTalkThatIsNotForItNorFromOutsideItsNetwork) {
  Recorder recorder;
  recorder.receive(
      ethernet_frame(MacAddress::broadcast(), mac(2), 0x0806,
                     arp_packet(wire::arp::kRequest, mac(2), v4_address(2), v4_address(3))));
  recorder.receive(ethernet_frame(
      mac(1), mac(2), 0x0806, arp_packet(wire::arp::kReply, mac(2), {0x01020304}, v4_address(1))));
  EXPECT_EQ(recorder.arp_cache().size(), 0u);
  EXPECT_TRUE(recorder.sent.empty());
}

TEST(Host, SendsToItsNetworkDirectlyAndToTheRestByItsGateway) {
  Recorder recorder({.mac = mac(1), .address = {v4_address(1), 24}, .gateway = v4_address(254)});
  recorder.teach(2);
  recorder.teach(254);
  recorder.send(v4_address(2), "near");
  recorder.send({0xc0000201}, "far");
  ASSERT_EQ(recorder.sent.size(), 2u);
  EXPECT_EQ(sent_packet(recorder.sent[0]).ethernet.destination, mac(2));
  const Sent far = sent_packet(recorder.sent[1]);
  EXPECT_EQ(far.ethernet.destination, mac(254));
  EXPECT_EQ(far.ip.destination, (Ipv4Address{0xc0000201}));
}

TEST(Host, ReachesAGatewayOutsideOfItsOwnPrefix) {
  Recorder recorder({.mac = mac(1), .address = {v4_address(1), 32}, .gateway = v4_address(254)});
  recorder.send({0xc0000201}, "far");
  ASSERT_EQ(recorder.sent.size(), 1u);
  EXPECT_EQ(sent_arp(recorder.sent[0]).target, v4_address(254));
  recorder.receive(
      ethernet_frame(mac(1), mac(254), 0x0806,
                     arp_packet(wire::arp::kReply, mac(254), v4_address(254), v4_address(1))));
  ASSERT_EQ(recorder.sent.size(), 2u);
  EXPECT_EQ(sent_packet(recorder.sent[1]).ethernet.destination, mac(254));
}

TEST(Host, CountsWhatItCannotRoute) {
  Recorder recorder;  // without a gateway
  for (const Ipv4Address to : {Ipv4Address{0xc0000201}, Ipv4Address{}, Ipv4Address{77}})
    recorder.send(to, "x");
  EXPECT_EQ(recorder.count("no_route"), 3u);
  sig::TxDatagram v6{
      {IpAddress(std::array<std::byte, 16>{std::byte{0x20}}), 7}, {}, recorder.pool.allocate(64)};
  recorder.udp.send(std::move(v6), recorder, recorder.now);
  EXPECT_EQ(recorder.count("no_route"), 4u);
  EXPECT_TRUE(recorder.sent.empty());
  // A gateway does not provide a route for packets that must stay on the host.
  Recorder routed({.mac = mac(1), .address = {v4_address(1), 24}, .gateway = v4_address(254)});
  routed.send({}, "x");
  EXPECT_EQ(routed.count("no_route"), 1u);
}

TEST(Host, SendsTheLargestDatagramThatFitsWholeAndLargerOnesInFragments) {
  Recorder recorder;
  recorder.teach(2);
  recorder.send(v4_address(2), std::string(1472, 'x'));
  ASSERT_EQ(recorder.sent.size(), 1u);
  EXPECT_EQ(recorder.sent[0].size(), 1514u);
  EXPECT_TRUE(sent_packet(recorder.sent[0]).ip.dont_fragment);
  recorder.send(v4_address(2), std::string(1473, 'x'));
  ASSERT_EQ(recorder.sent.size(), 3u);
  const Sent first = sent_packet(recorder.sent[1]), second = sent_packet(recorder.sent[2]);
  EXPECT_TRUE(first.ip.more_fragments && !second.ip.more_fragments && !first.ip.dont_fragment);
  EXPECT_EQ(first.payload.size(), 1480u);
  EXPECT_EQ(second.ip.fragment_offset, 1480);
  EXPECT_EQ(second.payload.size(), 1u);
  EXPECT_EQ(first.ip.identification, second.ip.identification);
}

TEST(Host, LeavesChecksumsToADeviceThatMakesThemAndTheyComeOutRight) {
  for (const std::size_t size : {0, 1, 2, 100, 101, 1472}) {
    Recorder software;
    Recorder hardware({.mac = mac(1), .address = {v4_address(1), 24}, .tx_checksum = true});
    const std::string payload(size, 'q');
    for (Recorder* each : {&software, &hardware}) {
      // Sent directly, and after waiting for an address.
      each->send(v4_address(2), payload);
      each->receive(
          ethernet_frame(mac(1), mac(2), 0x0806,
                         arp_packet(wire::arp::kReply, mac(2), v4_address(2), v4_address(1))));
      each->send(v4_address(2), payload);
      ASSERT_EQ(each->sent.size(), 3u);
    }
    for (const std::size_t which : {1, 2}) {
      const Offload& offload = hardware.offloads[which];
      EXPECT_TRUE(offload.checksum_needed);
      EXPECT_EQ(offload.checksum_start, 34);
      EXPECT_EQ(offload.checksum_offset, 6);
      EXPECT_FALSE(software.offloads[which].checksum_needed);
      EXPECT_EQ(hardware.sent[which], software.sent[which]);
      const Sent packet = sent_packet(hardware.sent[which]);
      EXPECT_TRUE(
          wire::udp::Header::parse(packet.payload, packet.ip.source, packet.ip.destination, {}));
    }
    EXPECT_FALSE(hardware.offloads[0].checksum_needed) << "ARP has no checksum";
  }
}

TEST(Host, WithoutABufferCountsAndStaysAlive) {
  Recorder recorder;
  recorder.teach(2);
  recorder.exhausted = true;
  recorder.receive(udp_frame(99));
  recorder.receive(
      ip_frame({.protocol = wire::ipv4::kIcmp}, icmp_message(wire::icmp::kEcho, 0, Frame(8))));
  recorder.receive(
      ethernet_frame(mac(1), mac(2), 0x0806,
                     arp_packet(wire::arp::kRequest, mac(2), v4_address(2), v4_address(1))));
  recorder.v4.add_address(*recorder.link, {v4_address(7), 24}, recorder.now);
  EXPECT_EQ(recorder.count("no_buffer"), 4u);
  EXPECT_TRUE(recorder.sent.empty());
  recorder.exhausted = false;
  recorder.receive(udp_frame(53));
  EXPECT_EQ(recorder.delivered.size(), 1u);
}

TEST(Forwarding, GetsPacketsForOtherHostsThatWereSentToOurHardwareAddress) {
  struct Router final : Forwarder {
    bool forward(Interface&, sig::RxFrame& packet, Instant) override {
      const auto header = wire::ipv4::Header::parse(packet.frame.bytes(), packet.total_size());
      EXPECT_TRUE(header);
      if (header->destination == v4_address(9)) return false;
      seen.push_back(header->destination);
      return true;
    }
    std::vector<Ipv4Address> seen;
  } router;
  Recorder host;
  host.v4.forward_to(&router);
  const Frame hello = udp_datagram({}, text("hello"));
  host.receive(ip_frame({.to = v4_address(8)}, hello));
  EXPECT_EQ(router.seen, std::vector{v4_address(8)});
  EXPECT_EQ(host.troubles(), "");
  host.receive(ip_frame({.to = v4_address(8)}, hello, MacAddress::broadcast()));
  host.receive(ip_frame({.to = v4_address(9)}, hello));
  EXPECT_EQ(router.seen.size(), 1u);
  EXPECT_EQ(host.count("not_for_us"), 2u);
  host.v4.forward_to(nullptr);
  host.receive(ip_frame({.to = v4_address(8)}, hello));
  EXPECT_EQ(host.count("not_for_us"), 3u);
  EXPECT_TRUE(host.delivered.empty());
}

}  // namespace
}  // namespace fata::ip
