// Messages of routers and queriers, and the lifecycle of addresses, for both families.
#include "nodes.hpp"

namespace fata::ip {
namespace {

using Routers = ipv6::Routers;
const IpAddress kRouter = IpAddress::of(0xfe80, 0, 0, 0, 0, 0, 0, 0x99);

struct Advertisement {
  std::uint16_t lifetime = 1800;
  std::uint8_t flags = 0;
  std::uint32_t reachable = 0, retransmit = 0;
  Frame options{};
  IpAddress from = kRouter;
  std::uint8_t hop_limit = 32;
};
Frame advertisement(const Advertisement& fields) {
  Frame rest(12);
  ByteWriter out(rest);
  out.u8(fields.hop_limit);
  out.u8(fields.flags);
  out.u16(fields.lifetime);
  out.u32(fields.reachable);
  out.u32(fields.retransmit);
  return icmp6_frame({.from = fields.from, .to = wire::ipv6::kAllNodes, .hop_limit = 255}, 134, 0,
                     rest + fields.options);
}
Frame prefix_option(std::string_view prefix, std::uint32_t valid = 7200,
                    std::uint32_t preferred = 3600, std::uint8_t flags = 0xc0) {
  const Ipv6Cidr cidr = *Ipv6Cidr::parse(prefix);
  Frame option(16);
  ByteWriter out(option);
  out.u8(3);
  out.u8(4);
  out.u8(cidr.prefix);
  out.u8(flags);
  out.u32(valid);
  out.u32(preferred);
  out.u32(0);
  return option + bytes_of(cidr.address);
}

std::unique_ptr<Node> automatic() {
  auto node = std::make_unique<Node>(1);
  node->v6_engine.autoconfigure(*node->link, node->now);
  return node;
}
const ipv6::Address* offered(const Node& node) {
  for (const ipv6::Address& each : node.v6_engine.addresses()) {
    if (each.origin == ipv6::Address::Origin::kOffered) return &each;
  }
  return nullptr;
}

TEST(Autoconfiguration, AsksForRoutersUntilOneAnswersEverMoreSeldom) {
  const auto node = automatic();
  node->sent.clear();
  std::vector<Instant> asked;
  for (int i = 0; i < 6000; ++i) {
    node->pass(milliseconds(100));
    for (std::size_t n = 0; n < node->sent.size(); ++n) {
      if (node->packet(n).type() != 133) continue;
      asked.push_back(node->now);
      EXPECT_EQ(node->packet(n).ip.source, node->link_local());
      EXPECT_EQ(node->packet(n).ip.destination, wire::ipv6::kAllRouters);
      EXPECT_EQ(node->packet(n).ip.hop_limit, 255);
    }
    node->sent.clear();
  }
  ASSERT_GE(asked.size(), 5u);
  EXPECT_LE(asked.size(), 9u);
  for (std::size_t i = 2; i < asked.size(); ++i)
    EXPECT_GT(asked[i] - asked[i - 1], (asked[i - 1] - asked[i - 2]) * 3 / 2);
  node->receive(advertisement({}));
  node->pass(seconds(1000));
  node->pass(seconds(1));
  for (std::size_t n = 0; n < node->sent.size(); ++n) EXPECT_NE(node->packet(n).type(), 133);
}

// CVE-2015-2922: any station on the link could confine all packets to it.
TEST(Autoconfiguration, TakesNoHopLimitThatLeadsNowhere) {
  for (const auto& [offered_limit, used] :
       {std::pair{0, 64}, {1, 64}, {31, 64}, {32, 32}, {255, 255}}) {
    const auto node = automatic();
    node->settle();
    node->receive(
        advertisement({.options = link_option(1, mac(9)) + prefix_option("2001:db8:1::/64"),
                       .hop_limit = static_cast<std::uint8_t>(offered_limit)}));
    node->settle();
    node->send(v6("2001:db8:ffff::1"), "far");
    EXPECT_EQ(node->packet(0).ip.hop_limit, used) << offered_limit;
  }
}

TEST(Autoconfiguration, MakesAnAddressOfAnOfferedPrefixAndRoutesByTheRouter) {
  const auto node = automatic();
  node->settle();
  node->receive(
      advertisement({.options = link_option(1, mac(9)) + prefix_option("2001:db8:1::/64")}));
  ASSERT_TRUE(offered(*node));
  const IpAddress own = offered(*node)->address();
  EXPECT_TRUE((Ipv6Cidr{v6("2001:db8:1::"), 64}.contains(own)));
  EXPECT_FALSE(node->host.is_ours(own));
  node->settle();
  EXPECT_TRUE(node->host.is_ours(own));
  node->send(v6("2001:db8:ffff::1"), "far");
  ASSERT_EQ(node->sent.size(), 1u);
  EXPECT_EQ(node->packet(0).to_mac, mac(9));
  EXPECT_EQ(node->packet(0).ip.source, own);
  EXPECT_EQ(node->packet(0).ip.hop_limit, 32);
  // The prefix is on-link.
  EXPECT_TRUE(node->host.path(v6("2001:db8:1::77"), {})->local);
  // After the preferred lifetime, the address still works; after the valid lifetime, it is gone,
  // and so is the router after its own lifetime.
  node->pass(seconds(3601));
  EXPECT_TRUE(node->host.path(v6("2001:db8:1::77"), {}));
  EXPECT_FALSE(node->host.path(v6("2001:db8:ffff::1"), {}));
  node->pass(seconds(3600));
  EXPECT_FALSE(node->host.is_ours(own));
}

TEST(Autoconfiguration, NobodyShortensAnAddressLifeToLessThanTwoHours) {
  const auto node = automatic();
  node->settle();
  const auto left = [&] { return offered(*node)->valid_until - node->now; };
  node->receive(advertisement({.options = prefix_option("2001:db8:1::/64", 86400)}));
  EXPECT_EQ(left(), seconds(86400));
  node->receive(advertisement({.options = prefix_option("2001:db8:1::/64", 8000)}));
  EXPECT_EQ(left(), seconds(8000)) << "more than two hours is believed";
  node->receive(advertisement({.options = prefix_option("2001:db8:1::/64", 10, 10)}));
  EXPECT_EQ(left(), seconds(7200));
  node->pass(seconds(1000));
  node->receive(advertisement({.options = prefix_option("2001:db8:1::/64", 10, 10)}));
  EXPECT_EQ(left(), seconds(6200)) << "and is left alone then";
}

TEST(Autoconfiguration, PassesOverPrefixesThatMakeNoAddress) {
  const auto node = automatic();
  node->settle();
  for (const Frame& option :
       {prefix_option("2001:db8:1::/65"), prefix_option("fe80::/64"), prefix_option("ff00::/64"),
        prefix_option("2001:db8:1::/64", 100, 200), prefix_option("2001:db8:1::/64", 0, 0),
        prefix_option("2001:db8:1::/64", 7200, 3600, 0x80)}) {
    node->receive(advertisement({.options = option}));
    EXPECT_FALSE(offered(*node));
  }
}

TEST(Autoconfiguration, PrefixesOnTheLinkThatMakeNoAddressHaveNeighbours) {
  const auto node = automatic();
  node->settle();
  node->receive(advertisement({.options = prefix_option("2001:db8:1::/64") +
                                          prefix_option("2001:db8:5::/64", 7200, 3600, 0x80)}));
  node->settle();
  const IpAddress far = v6("2001:db8:5::9");
  node->send(far, "x");
  ASSERT_EQ(node->sent.size(), 1u);
  EXPECT_EQ(node->packet(0).type(), 135) << "it is asked for, the router is not used";
  node->receive(neighbour_frame({.from = far, .to = wire::ipv6::solicited_node(node->address())},
                                135, 0, node->address(), link_option(1, mac(9))));
  ASSERT_EQ(node->sent.size(), 3u) << "what waited, and an answer";
  EXPECT_EQ(node->packet(1).to_mac, mac(9));
  EXPECT_EQ(node->packet(2).type(), 136);
}

TEST(Autoconfiguration, IsBoundedHoweverManyPrefixesRoutersAndServersAreOffered) {
  const auto node = automatic();
  node->settle();
  for (unsigned i = 0; i < 200; ++i) {
    const IpAddress prefix =
        IpAddress::of(0x2001, 0xdb8, static_cast<std::uint16_t>(i), 0, 0, 0, 0, 0);
    Frame option = prefix_option("2001:db8::/64");
    copy_bytes(MutableBytes(option).subspan(16), prefix.octets());
    node->receive(advertisement(
        {.options = option,
         .from = IpAddress::of(0xfe80, 0, 0, 0, 0, 0, 1, static_cast<std::uint16_t>(i))}));
    node->sent.clear();
  }
  EXPECT_EQ(node->v6_engine.addresses().size(), ipv6::Engine::kAddresses);
  EXPECT_EQ(node->v6_engine.routers().routers().size(), Routers::kRouters);
  EXPECT_EQ(node->v6_engine.routers().prefixes().size(), Routers::kPrefixes);
}

TEST(Autoconfiguration, TakesOverMtuTimersAndNameServers) {
  const auto node = automatic();
  node->settle();
  const Frame dns = hex("1903 0000 00000258") + bytes_of(v6("2001:db8::53"));
  const Frame search =
      hex("1f03 0000 00000258 07") + text("example") + hex("03") + text("org") + hex("00 000000");
  node->receive(advertisement(
      {.options = hex("0501 0000 00000578") + dns + search + prefix_option("2001:db8:1::/64")}));
  node->settle();
  EXPECT_EQ(node->host.path(v6("2001:db8:1::77"), {})->mtu, 1400u);
  ASSERT_EQ(node->v6_engine.dns_servers().size(), 1u);
  EXPECT_EQ(node->v6_engine.dns_servers()[0].address, v6("2001:db8::53"));
  EXPECT_EQ(as_text(node->v6_engine.search_domain()).substr(0, 13),
            std::string("\7example\3org\0", 13));
  for (const char* wrong : {"0501 0000 000004ff", "0501 0000 000005dd"}) {
    node->receive(advertisement({.options = hex(wrong)}));
    EXPECT_EQ(node->host.path(v6("2001:db8:1::77"), {})->mtu, 1400u);
  }
  node->receive(
      advertisement({.options = hex("1903 0000 00000000") + bytes_of(v6("2001:db8::53"))}));
  EXPECT_TRUE(node->v6_engine.dns_servers().empty());
}

TEST(Autoconfiguration, PrefersRoutersThatAnswerAndThenThoseThatArePreferred) {
  const auto node = automatic();
  node->settle();
  const auto from = [](std::uint16_t last) {
    return IpAddress::of(0xfe80, 0, 0, 0, 0, 0, 0, last);
  };
  const auto hop = [&] {
    return node->v6_engine.routers().find(v6("2001:db8:ffff::1"), node->now)->address;
  };
  node->receive(advertisement({.flags = 0x18, .from = from(1)}));  // low
  node->receive(advertisement({.flags = 0x00, .from = from(2)}));
  node->receive(advertisement({.flags = 0x08, .from = from(3)}));  // high
  EXPECT_EQ(hop(), from(3));
  node->v6_engine.routers().silent(from(3), 0, true);
  EXPECT_EQ(hop(), from(2));
  node->v6_engine.routers().silent(from(2), 0, true);
  EXPECT_EQ(hop(), from(1));
  node->v6_engine.routers().silent(from(1), 0, true);
  EXPECT_EQ(hop(), from(3)) << "when nobody answers all are tried again";
  node->receive(advertisement({.lifetime = 0, .from = from(3)}));
  EXPECT_NE(hop(), from(3));
}

TEST(Redirects, AreTakenFromTheRouterInUseOnly) {
  const auto redirect = [](const IpAddress& from, const IpAddress& target,
                           const IpAddress& destination) {
    return icmp6_frame(
        {.from = from, .to = v6("2001:db8::1"), .hop_limit = 255}, 137, 0,
        Frame(4) + bytes_of(target) + bytes_of(destination) + link_option(2, mac(7)));
  };
  const IpAddress far = v6("2001:db8:ffff::1"), better = v6("fe80::7");
  const auto node = Node::ready(1, "2001:db8::1/64");
  node->v6_engine.routers().add({{{}, 0}, kRouter, 0});
  const auto hop = [&] { return node->v6_engine.routers().find(far, node->now)->address; };
  node->receive(redirect(v6("fe80::66"), better, far));
  node->receive(redirect(kRouter, v6("2001:db8:5::5"), far));
  node->receive(redirect(kRouter, better, wire::ipv6::kAllNodes));
  EXPECT_EQ(hop(), kRouter);
  EXPECT_EQ(node->count("bad_discovery"), 3u);
  node->receive(redirect(kRouter, better, far));
  EXPECT_EQ(hop(), better);
  EXPECT_EQ(node->v6_engine.neighbours(*node->link).mac_of(better), mac(7));
  node->now = node->now + Routers::kRedirectAge;
  EXPECT_EQ(hop(), kRouter);
}

TEST(SourceSelection, FollowsTheRulesOfRfc6724) {
  struct Case {
    const char* what;
    std::vector<std::string_view> own;
    std::string_view to, chosen;
  };
  const Case cases[] = {
      {"the same address", {"2001:db8::1/64", "2001:db8::2/64"}, "2001:db8::2", "2001:db8::2"},
      {"the scope: link-local to link-local",
       {"2001:db8::1/64", "fe80::1/64"},
       "fe80::2",
       "fe80::1"},
      {"the scope: global to global",
       {"fe80::1/64", "2001:db8::1/64"},
       "2001:db8:9::2",
       "2001:db8::1"},
      {"the scope of a group", {"fe80::1/64", "2001:db8::1/64"}, "ff05::2", "2001:db8::1"},
      {"the scope of a near group", {"2001:db8::1/64", "fe80::1/64"}, "ff02::2", "fe80::1"},
      {"the label: unique local", {"2001:db8::1/64", "fd00::1/64"}, "fd00:1::1", "fd00::1"},
      {"the label: 6to4", {"2001:db8::1/64", "2002:1::1/64"}, "2002:2::1", "2002:1::1"},
      {"the longest common prefix",
       {"2001:db8:1::1/64", "2001:db8:2::1/64"},
       "2001:db8:2::9",
       "2001:db8:2::1"},
      {"which counts up to the own prefix only",
       {"2001:db8:1::5/64", "2001:db8:1::8/64"},
       "2001:db8:1::9",
       "2001:db8:1::5"},
  };
  for (const Case& each : cases) {
    std::vector<ipv6::Address> own;
    for (const std::string_view text : each.own) {
      own.push_back({.cidr = *Ipv6Cidr::parse(text), .state = ipv6::Address::State::kValid});
    }
    const ipv6::Address* const chosen = ipv6::select_source(own, v6(each.to), 0, {});
    ASSERT_TRUE(chosen) << each.what;
    EXPECT_EQ(chosen->address(), v6(each.chosen)) << each.what;
  }
  // Deprecated, tentative, or of another link.
  std::vector<ipv6::Address> own{
      {.cidr = *Ipv6Cidr::parse("2001:db8::1/64"), .state = ipv6::Address::State::kValid},
      {.cidr = *Ipv6Cidr::parse("2001:db8:9::1/64"), .state = ipv6::Address::State::kValid}};
  own[0].preferred_until = Instant{} + seconds(1);
  EXPECT_EQ(ipv6::select_source(own, v6("2001:db8::2"), 0, Instant{} + seconds(2)), &own[1]);
  own[0].preferred_until = Instant::never();
  own[0].state = ipv6::Address::State::kTentative;
  EXPECT_EQ(ipv6::select_source(own, v6("2001:db8::2"), 0, {}), &own[1]);
  own[0].state = ipv6::Address::State::kValid;
  own[0].interface = 1;
  EXPECT_EQ(ipv6::select_source(own, v6("2001:db8::2"), 0, {}), &own[1]);
}

TEST(MulticastListener, ReportsItsGroupsWhenItJoinsAndWhenItIsAsked) {
  const auto node = Node::ready(1, "2001:db8::1/64");
  const IpAddress group = v6("ff05::1234");
  EXPECT_TRUE(node->host.v6()->join(group, *node->link, node->now));
  const Sent6 joined = node->packet(0);
  EXPECT_EQ(joined.ip.destination, v6("ff02::16"));
  EXPECT_EQ(joined.ip.source, node->link_local());
  EXPECT_EQ(joined.payload.at(8), std::byte{143});
  EXPECT_EQ(joined.payload.at(16), std::byte{4});
  EXPECT_TRUE(equal_bytes(Bytes(joined.payload).subspan(20, 16), group.octets()));
  node->settle();
  EXPECT_EQ(node->host.v6()->next_deadline(), Instant::never());
  // A general query that allows 1 s is answered in that time, for each group except all-nodes.
  node->receive(icmp6_frame({.to = wire::ipv6::kAllNodes, .hop_limit = 1}, 130, 0,
                            hex("03e80000") + Frame(16) + hex("02000000")));
  EXPECT_TRUE(node->sent.empty());
  for (int i = 0; i < 10; ++i) node->pass(milliseconds(100));
  EXPECT_EQ(node->sent.size(), 3u);  // including two solicited-node groups
  node->sent.clear();
  // An MLDv1 querier gets MLDv1 reports.
  node->receive(
      icmp6_frame({.to = group, .hop_limit = 1}, 130, 0, hex("00640000") + bytes_of(group)));
  node->pass(milliseconds(100));
  ASSERT_EQ(node->sent.size(), 1u);
  EXPECT_EQ(node->packet(0).payload.at(8), std::byte{131});
  EXPECT_EQ(node->packet(0).ip.destination, group);
  node->sent.clear();
  node->host.v6()->leave(group, *node->link, node->now);
  EXPECT_EQ(node->packet(0).payload.at(8), std::byte{132});
}

Frame igmp_frame(std::uint8_t type, std::uint8_t tenths, Ipv4Address group, Ipv4Address to,
                 Ipv4Address from = v4_address(2)) {
  Frame message{
      static_cast<std::byte>(type), static_cast<std::byte>(tenths), {}, {}, {}, {}, {}, {}};
  store_be(MutableBytes(message).subspan(4), group.value);
  store_be(MutableBytes(message).subspan(2), wire::checksum(message));
  return ip_frame({.from = from, .to = to, .protocol = 2}, message);
}

TEST(GroupMembership, IsReportedUnaskedTwiceAndThenWhenAsked) {
  Recorder recorder;
  const Ipv4Address group = Ipv4Address::of(224, 0, 0, 251);
  EXPECT_TRUE(recorder.v4.join(group, *recorder.link, recorder.now));
  recorder.pass(seconds(2));  // includes the second announcement of the address
  for (int i = 0; i < 10; ++i) recorder.pass(seconds(1));
  const auto reports = [&] {
    std::size_t count = 0;
    for (const Frame& frame : std::exchange(recorder.sent, {}))
      count +=
          frame[12] == std::byte{8} && frame[13] == std::byte{0} && frame.at(38) == std::byte{0x16}
              ? 1
              : 0;
    return count;
  };
  const Frame first = recorder.sent.at(0);
  EXPECT_EQ(first[14], std::byte{0x46}) << "with the router alert";
  EXPECT_EQ(first[22], std::byte{1});
  EXPECT_EQ(wire::ethernet::Header::parse(first)->destination,
            (MacAddress{{std::byte{1}, {}, std::byte{0x5e}, {}, {}, std::byte{251}}}));
  EXPECT_TRUE(wire::ipv4::Header::parse(Bytes(first).subspan(14)));
  EXPECT_EQ(reports(), 2u);
  const Ipv4Address all = Ipv4Address::of(224, 0, 0, 1);
  recorder.receive(igmp_frame(0x11, 10, {}, all, {}));
  recorder.pass(seconds(1));
  EXPECT_EQ(reports(), 1u);
  // Another member's report cancels ours.
  recorder.receive(igmp_frame(0x11, 10, group, group));
  recorder.receive(igmp_frame(0x16, 0, group, group));
  recorder.pass(seconds(1));
  EXPECT_EQ(reports(), 0u);
  // Unicast messages are refused: otherwise any host could query, or suppress reports.
  recorder.receive(igmp_frame(0x11, 10, {}, v4_address(1)));
  recorder.receive(igmp_frame(0x11, 10, group, v4_address(1)));
  recorder.pass(seconds(1));
  EXPECT_EQ(reports(), 0u);
  recorder.receive(igmp_frame(0x11, 10, group, group));
  recorder.receive(igmp_frame(0x16, 0, group, v4_address(1)));
  recorder.receive(igmp_frame(0x16, 0, group, all));
  recorder.pass(seconds(1));
  EXPECT_EQ(reports(), 1u);
  EXPECT_EQ(recorder.count("bad_igmp"), 4u);
  // Datagrams to the group arrive until the host leaves it.
  recorder.receive(ip_frame({.to = group}, udp_datagram({.destination = group}, text("mdns"))));
  EXPECT_EQ(recorder.delivered.size(), 1u);
  recorder.v4.leave(group, *recorder.link, recorder.now);
  ASSERT_EQ(recorder.sent.size(), 1u);
  EXPECT_EQ(recorder.sent[0].at(38), std::byte{0x17});
  recorder.receive(ip_frame({.to = group}, udp_datagram({.destination = group}, text("mdns"))));
  EXPECT_EQ(recorder.delivered.size(), 1u);
}

struct Watcher final : ipv4::AddressWatcher {
  void address_event(Interface&, Ipv4Address address, ipv4::AddressEvent what, Instant) override {
    events.emplace_back(address, what);
  }
  std::vector<std::pair<Ipv4Address, ipv4::AddressEvent>> events;
};
Frame arp_frame(std::uint16_t operation, Ipv4Address from, Ipv4Address target,
                std::uint8_t who = 2) {
  return ethernet_frame(MacAddress::broadcast(), mac(who), 0x0806,
                        arp_packet(operation, mac(who), from, target));
}

TEST(AddressClaim, ProbesThreeTimesThenUsesAndAnnouncesTwice) {
  Recorder recorder;
  recorder.pass(seconds(3));
  recorder.sent.clear();
  Watcher watcher;
  recorder.v4.watch(&watcher);
  EXPECT_TRUE(recorder.v4.add_address(*recorder.link, {v4_address(7), 24}, recorder.now,
                                      ipv4::Engine::Claim::kProbe));
  EXPECT_TRUE(recorder.sent.empty()) << "the first waits for a random time";
  const Instant start = recorder.now;
  while (watcher.events.empty() && recorder.now - start < seconds(20))
    recorder.pass(milliseconds(50));
  EXPECT_GE(recorder.now - start, seconds(4));
  EXPECT_LE(recorder.now - start, seconds(8));
  EXPECT_EQ(watcher.events.at(0), (std::pair{v4_address(7), ipv4::AddressEvent::kReady}));
  for (int i = 0; i < 4; ++i) recorder.pass(seconds(1));
  ASSERT_EQ(recorder.sent.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto packet = wire::arp::Packet::parse(Bytes(recorder.sent[i]).subspan(14));
    EXPECT_EQ(packet->target, v4_address(7));
    EXPECT_EQ(packet->sender, i < 3 ? Ipv4Address{} : v4_address(7));
  }
  EXPECT_TRUE(recorder.host.is_ours(v4_address(7)));
}

TEST(AddressClaim, GivesWayToWhoHasTheAddressOrProbesForItToo) {
  for (const Frame& other : {arp_frame(wire::arp::kReply, v4_address(7), v4_address(1)),
                             arp_frame(wire::arp::kRequest, {}, v4_address(7))}) {
    Recorder recorder;
    Watcher watcher;
    recorder.v4.watch(&watcher);
    recorder.v4.add_address(*recorder.link, {v4_address(7), 24}, recorder.now,
                            ipv4::Engine::Claim::kProbe);
    recorder.pass(seconds(2));
    recorder.receive(other);
    ASSERT_EQ(watcher.events.size(), 1u);
    EXPECT_EQ(watcher.events[0].second, ipv4::AddressEvent::kLost);
    recorder.pass(seconds(20));
    EXPECT_FALSE(recorder.host.is_ours(v4_address(7)));
  }
}

TEST(AddressClaim, DefendsAnAddressOnceInTenSeconds) {
  for (const auto claim : {ipv4::Engine::Claim::kAnnounce, ipv4::Engine::Claim::kProbe}) {
    Recorder recorder;
    recorder.v4.add_address(*recorder.link, {v4_address(7), 24}, recorder.now, claim);
    for (int i = 0; i < 20; ++i) recorder.pass(seconds(1));
    recorder.sent.clear();
    recorder.receive(arp_frame(wire::arp::kReply, v4_address(7), v4_address(1)));
    EXPECT_EQ(recorder.sent.size(), 1u);
    recorder.receive(arp_frame(wire::arp::kReply, v4_address(7), v4_address(1)));
    EXPECT_EQ(recorder.sent.size(), 1u);
    EXPECT_EQ(recorder.host.is_ours(v4_address(7)), claim == ipv4::Engine::Claim::kAnnounce)
        << "the second time only what the user set is kept";
    EXPECT_EQ(recorder.count("address_conflicts"), 2u);
  }
}

TEST(WithoutAnAddress, DatagramsGoFromNobodyToEverybodyAndComeToAnyAddress) {
  Recorder recorder({}, 68);
  EXPECT_TRUE(recorder.v4.remove_address(*recorder.link, v4_address(1)));
  PacketBuf request = recorder.pool.allocate(kHeadroom + wire::udp::kHeaderSize);
  copy_bytes(request.append(8), text("discover"));
  wire::udp::prepend_header(request, 68, 67, Ipv4Address{}, Ipv4Address{0xffffffff}, false);
  recorder.v4.send_unconfigured(*recorder.link, std::move(request), recorder.now);
  ASSERT_EQ(recorder.sent.size(), 1u);
  EXPECT_EQ(wire::ethernet::Header::parse(recorder.sent[0])->destination, MacAddress::broadcast());
  const auto header = wire::ipv4::Header::parse(Bytes(recorder.sent[0]).subspan(14));
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->source.is_any() && header->destination.is_limited_broadcast());
  EXPECT_TRUE(wire::udp::Header::parse(Bytes(recorder.sent[0]).subspan(34), header->source,
                                       header->destination, {}));

  const Frame offer =
      ip_frame({.to = v4_address(33)},
               udp_datagram({.from = 67, .to = 68, .destination = v4_address(33)}, text("offer")));
  recorder.receive(offer);
  EXPECT_TRUE(recorder.delivered.empty());
  recorder.v4.take_any_address(*recorder.link, true);
  recorder.receive(offer);
  recorder.receive(
      ip_frame({.to = {0xffffffff}},
               udp_datagram({.from = 67, .to = 68, .destination = {0xffffffff}}, text("offer")),
               MacAddress::broadcast()));
  EXPECT_EQ(recorder.delivered.size(), 2u);
}

}  // namespace
}  // namespace fata::ip
