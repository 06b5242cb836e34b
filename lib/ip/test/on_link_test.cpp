// Neighbours outside the host's own prefix: destinations of on-link routes, gateways, and the
// sources of solicitations.
#include "nodes.hpp"

namespace fata::ip {
namespace {

Frame arp_from(const Frame& packet, std::uint8_t last) {
  return ethernet_frame(mac(1), mac(last), 0x0806, packet);
}
std::uint16_t type_of(const Frame& frame) {
  return load_be<std::uint16_t>(Bytes(frame).subspan(12));
}
MacAddress receiver_of(const Frame& frame) {
  return wire::ethernet::Header::parse(frame)->destination;
}

// RFC 3442, "Local Subnet Routes", and the gateway of a /32 as used in clouds.
TEST(OnLinkRoutes, NeighboursOfEveryIpv4RouteOnTheLinkAreLearned) {
  constexpr Ipv4Address kMetadata = Ipv4Address::of(169, 254, 169, 254);
  constexpr Ipv4Address kFar = Ipv4Address::of(192, 168, 5, 9);
  constexpr Ipv4Address kGateway = Ipv4Address::of(10, 128, 0, 1);
  struct Case {
    const char* what;
    Ipv4Address to, hop;
  };
  for (const Case& each : {Case{"a network on the link", kFar, kFar},
                           {"one address", kMetadata, kMetadata},
                           {"the gateway", kGateway, kGateway},
                           {"by it", {0x08080808}, kGateway}}) {
    Recorder recorder({.address = {v4_address(1), 32}});
    recorder.pass(seconds(5));
    recorder.sent.clear();
    auto& routes = recorder.v4.routes();
    const std::uint8_t nic = recorder.link->index();
    routes.add({{Ipv4Address::of(192, 168, 5, 0), 24}, {}, nic, ipv4::Route::Origin::kDhcp});
    routes.add({{kMetadata, 32}, {}, nic, ipv4::Route::Origin::kDhcp});
    routes.add({{kGateway, 32}, {}, nic, ipv4::Route::Origin::kDhcp});
    routes.add({{{}, 0}, kGateway, nic, ipv4::Route::Origin::kDhcp});
    recorder.send(each.to, "x");
    ASSERT_EQ(recorder.sent.size(), 1u) << each.what;
    const auto question = wire::arp::Packet::parse(Bytes(recorder.sent[0]).subspan(14));
    ASSERT_TRUE(question && question->target == each.hop) << each.what;
    recorder.receive(arp_from(arp_packet(wire::arp::kReply, mac(9), each.hop, v4_address(1)), 9));
    ASSERT_EQ(recorder.sent.size(), 2u) << each.what;
    EXPECT_EQ(type_of(recorder.sent[1]), 0x0800) << each.what;
    EXPECT_EQ(receiver_of(recorder.sent[1]), mac(9)) << each.what;
  }
}

TEST(OnLinkRoutes, OfAnotherNicTeachNothing) {
  Recorder recorder;
  recorder.v4.routes().add(
      {{Ipv4Address::of(192, 168, 5, 0), 24}, {}, 1, ipv4::Route::Origin::kStatic});
  const Ipv4Address far = Ipv4Address::of(192, 168, 5, 9);
  recorder.receive(arp_from(arp_packet(wire::arp::kRequest, mac(9), far, v4_address(1)), 9));
  EXPECT_EQ(recorder.arp_cache().size(), 0u);
  EXPECT_EQ(recorder.sent.size(), 1u) << "the question is answered, whoever asks";
  EXPECT_EQ(receiver_of(recorder.sent[0]), mac(9));
}

Frame solicitation(const IpAddress& from, const IpAddress& target, const Frame& options,
                   std::optional<IpAddress> to = {}) {
  return neighbour_frame({.from = from, .to = to.value_or(wire::ipv6::solicited_node(target))}, 135,
                         0, target, options);
}

// RFC 4861 section 7.2.4.
TEST(OnLinkRoutes, EverySolicitationIsAnsweredWhateverItsSource) {
  const IpAddress ours = v6("2001:db8:77::2");
  struct Case {
    const char* what;
    IpAddress from;
    bool learned;
  };
  for (const Case& each : {Case{"a gateway outside of the prefix", v6("2001:db8:0:ff::1"), true},
                           {"a neighbour on an on-link route", v6("2001:db8:5::9"), true},
                           {"a link-local address", v6("fe80::9"), true},
                           {"a stranger on the link", v6("2001:db8:9::9"), false}}) {
    const auto node = Node::ready(1, "2001:db8:77::2/128");
    node->v6_engine.routers().add({{{}, 0}, v6("2001:db8:0:ff::1"), node->link->index()});
    node->v6_engine.routers().add({*Ipv6Cidr::parse("2001:db8:5::/48"), {}, node->link->index()});
    node->receive(solicitation(each.from, ours, link_option(1, mac(9))));
    ASSERT_EQ(node->sent.size(), 1u) << each.what;
    const Sent6 answer = node->packet(0);
    EXPECT_EQ(answer.type(), 136) << each.what;
    EXPECT_EQ(answer.to_mac, mac(9)) << each.what;
    EXPECT_EQ(answer.ip.destination, each.from) << each.what;
    EXPECT_EQ(node->v6_engine.neighbours(*node->link).mac_of(each.from).has_value(), each.learned)
        << each.what;
    EXPECT_EQ(node->count("bad_discovery"), 0u) << each.what;
  }
}

TEST(OnLinkRoutes, ASolicitationWithoutAHardwareAddressIsAnsweredOnceThatIsKnown) {
  const IpAddress ours = v6("2001:db8:77::2"), stranger = v6("2001:db8:9::9");
  const auto node = Node::ready(1, "2001:db8:77::2/128");
  node->receive(solicitation(stranger, ours, {}, ours));
  ASSERT_EQ(node->sent.size(), 1u);
  EXPECT_EQ(node->packet(0).type(), 135);
  node->receive(neighbour_frame({.from = stranger, .to = ours}, 136, 0x60000000, stranger,
                                link_option(2, mac(9))));
  ASSERT_EQ(node->sent.size(), 2u);
  EXPECT_EQ(node->packet(1).type(), 136);
  EXPECT_EQ(node->packet(1).to_mac, mac(9));
}

TEST(OnLinkRoutes, AGatewayOutsideOfThePrefixCarriesTrafficBothWays) {
  const IpAddress gateway = v6("2001:db8:0:ff::1"), far = v6("2001:db8:9999::1");
  const auto node = Node::ready(1, "2001:db8:77::2/128");
  node->v6_engine.routers().add({{{}, 0}, gateway, node->link->index()});
  node->send(far, "x");
  ASSERT_EQ(node->sent.size(), 1u);
  EXPECT_EQ(node->packet(0).type(), 135);
  node->receive(neighbour_frame({.from = gateway, .to = v6("2001:db8:77::2")}, 136, 0xe0000000,
                                gateway, link_option(2, mac(9))));
  ASSERT_EQ(node->sent.size(), 2u);
  EXPECT_EQ(receiver_of(node->sent[1]), mac(9));
  EXPECT_EQ(node->packet(1).ip.destination, far);
}

TEST(OnLinkRoutes, ARedirectTargetThatIsTheDestinationIsANeighbour) {
  const IpAddress router = v6("fe80::99"), far = v6("2001:db8:9::9"), ours = v6("2001:db8::1");
  const auto node = Node::ready(1, "2001:db8::1/64");
  node->v6_engine.routers().add({{{}, 0}, router, node->link->index()});
  node->receive(icmp6_frame({.from = router, .to = ours, .hop_limit = 255}, 137, 0,
                            Frame(4) + bytes_of(far) + bytes_of(far)));
  EXPECT_EQ(node->count("redirects"), 1u);
  node->receive(solicitation(far, ours, link_option(1, mac(9))));
  EXPECT_EQ(node->v6_engine.neighbours(*node->link).mac_of(far), mac(9));
}

TEST(OnLinkRoutes, TwoAddressesShareANetworkUntilTheLastOneGoes) {
  const auto node = Node::ready(1, "2001:db8::1/64");
  node->v4.add_address(*node->link, {v4_address(1), 24}, node->now);
  node->v4.add_address(*node->link, {v4_address(7), 24}, node->now);
  EXPECT_TRUE(node->v6_engine.add_address(*node->link, {v6("2001:db8::7"), 64}, node->now));
  node->settle();
  EXPECT_TRUE(node->v4.remove_address(*node->link, v4_address(1)));
  EXPECT_TRUE(node->v6_engine.remove_address(*node->link, v6("2001:db8::1"), node->now));
  EXPECT_TRUE(node->host.path(v4_address(2), {}) && node->host.path(v6("2001:db8::2"), {}));
  EXPECT_TRUE(node->v4.remove_address(*node->link, v4_address(7)));
  EXPECT_TRUE(node->v6_engine.remove_address(*node->link, v6("2001:db8::7"), node->now));
  EXPECT_FALSE(node->host.path(v4_address(2), {}) || node->host.path(v6("2001:db8::2"), {}));
}

}  // namespace
}  // namespace fata::ip
