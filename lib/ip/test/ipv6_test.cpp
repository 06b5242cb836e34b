#include "nodes.hpp"

namespace fata::ip {
namespace {

using State = ipv6::Neighbours::State;

TEST(Ipv6, AsksWhetherAnybodyHasItsAddressBeforeItUsesIt) {
  Node node(1);
  node.v6_engine.start(*node.link, node.now);
  const IpAddress own = node.link_local();
  EXPECT_TRUE(own.is_link_local());
  EXPECT_FALSE(node.host.is_ours(own));
  // A report of the solicited-node group, and the probe.
  ASSERT_EQ(node.sent.size(), 2u);
  const Sent6 report = node.packet(0), question = node.packet(1);
  EXPECT_EQ(report.ip.next_header, wire::ipv6::kHopByHop);
  EXPECT_EQ(report.ip.hop_limit, 1);
  EXPECT_EQ(question.type(), 135);
  EXPECT_TRUE(question.ip.source.is_any());
  EXPECT_EQ(question.ip.destination, wire::ipv6::solicited_node(own));
  EXPECT_EQ(question.to_mac, wire::ipv6::group_mac(wire::ipv6::solicited_node(own)));
  EXPECT_EQ(question.ip.hop_limit, 255);
  EXPECT_TRUE(equal_bytes(Bytes(question.payload).subspan(8, 16), own.octets()));
  node.pass(milliseconds(999));
  EXPECT_FALSE(node.host.is_ours(own));
  node.pass(milliseconds(1));
  EXPECT_TRUE(node.host.is_ours(own));
}

TEST(Ipv6, ItsOwnAddressesAreStableAndDifferFromPrefixToPrefixAndFromHostToHost) {
  Node one(1), again(1), other(2);
  for (Node* node : {&one, &again, &other}) node->v6_engine.start(*node->link, node->now);
  EXPECT_EQ(one.link_local(), again.link_local());
  EXPECT_NE(one.link_local(), other.link_local());
}

TEST(Ipv6, GivesWayToWhoHasItsAddressOrAsksForItToo) {
  for (const bool advertised : {true, false}) {
    Node node(1);
    node.v6_engine.start(*node.link, node.now);
    const IpAddress first = node.link_local();
    if (advertised) {
      node.receive(neighbour_frame({.from = first, .to = wire::ipv6::kAllNodes}, 136, 0x20000000,
                                   first, link_option(2, mac(2))));
    } else {
      node.receive(
          neighbour_frame({.from = {}, .to = wire::ipv6::solicited_node(first)}, 135, 0, first));
    }
    EXPECT_NE(node.link_local(), first) << "another number is tried";
    node.settle();
    EXPECT_FALSE(node.host.is_ours(first));
    EXPECT_TRUE(node.host.is_ours(node.link_local()));
    EXPECT_EQ(node.count("v6_address_conflicts"), 1u);
  }
  // A static address has no alternative.
  Node node(1);
  EXPECT_TRUE(node.v6_engine.add_address(*node.link, {v6("2001:db8::1"), 64}, node.now));
  node.receive(neighbour_frame({.from = {}, .to = wire::ipv6::solicited_node(v6("2001:db8::1"))},
                               135, 0, v6("2001:db8::1")));
  node.settle();
  EXPECT_FALSE(node.host.is_ours(v6("2001:db8::1")));
}

TEST(Ipv6, KnowsItsOwnQuestionThatASwitchSendsBack) {
  Node node(1);
  node.v6_engine.start(*node.link, node.now);
  const IpAddress own = node.link_local();
  Frame back = node.sent.at(1);
  copy_bytes(MutableBytes(back).subspan(6), mac(9).octets);
  node.receive(back);
  node.settle();
  EXPECT_TRUE(node.host.is_ours(own));
}

TEST(Ipv6, TwoNodesFindEachOtherAndExchangeDatagrams) {
  const auto a = Node::ready(1, "2001:db8::1/64"), b = Node::ready(2, "2001:db8::2/64");
  a->send(v6("2001:db8::2"), "question");
  exchange({a.get(), b.get()});
  ASSERT_EQ(b->delivered.size(), 1u);
  EXPECT_EQ(b->delivered[0].text, "question");
  EXPECT_EQ(b->delivered[0].from, (Endpoint{v6("2001:db8::1"), 53}));
  EXPECT_EQ(b->delivered[0].to, v6("2001:db8::2"));
  b->send(v6("2001:db8::1"), "answer");
  EXPECT_EQ(b->sent.size(), 1u) << "who was asked knows the way back";
  exchange({a.get(), b.get()});
  ASSERT_EQ(a->delivered.size(), 1u);
  a->send(b->link_local(), "near");
  exchange({a.get(), b.get()});
  EXPECT_EQ(b->delivered.at(1).from.address, a->link_local());
  EXPECT_EQ(a->troubles() + b->troubles(), "");
}

TEST(Ipv6, LeavesChecksumsToADeviceThatMakesThem) {
  for (const std::size_t size : {0, 1, 100, 1452}) {
    const auto soft = Node::ready(1, "2001:db8::1/64");
    const auto hard = Node::ready(1, "2001:db8::1/64", {.tx_checksum = true});
    for (Node* node : {soft.get(), hard.get()}) {
      node->teach(v6("2001:db8::2"), 2);
      node->offloads.clear();
      node->send(v6("2001:db8::2"), std::string(size, 'q'));
      ASSERT_EQ(node->sent.size(), 1u);
    }
    EXPECT_TRUE(hard->offloads[0].checksum_needed);
    EXPECT_EQ(hard->offloads[0].checksum_start, 54);
    EXPECT_EQ(hard->sent[0], soft->sent[0]);
  }
}

TEST(Ipv6, AnswersEchoRequestsWithWhatTheyHeld) {
  const auto node = Node::ready(1, "2001:db8::1/64");
  node->teach(v6("2001:db8::2"), 2);
  node->receive(
      icmp6_frame({.from = v6("2001:db8::2"), .to = v6("2001:db8::1")}, 128, 0, text("0001hello")));
  const Sent6 reply = node->packet(0);
  EXPECT_EQ(reply.type(), 129);
  EXPECT_EQ(reply.ip.source, v6("2001:db8::1"));
  EXPECT_EQ(reply.ip.destination, v6("2001:db8::2"));
  EXPECT_TRUE(equal_bytes(Bytes(reply.payload).subspan(4), text("0001hello")));
  // Multicast echo requests are not answered.
  node->sent.clear();
  node->receive(icmp6_frame({.from = v6("2001:db8::2"), .to = wire::ipv6::kAllNodes}, 128, 0,
                            text("0001hello")));
  EXPECT_TRUE(node->sent.empty());
}

TEST(Ipv6, CountsEachMalformedPacketUnderItsOwnNameAndAnswersNone) {
  const Ip6Fields ip{.from = v6("2001:db8::2"), .to = v6("2001:db8::1")};
  const Frame hello = udp6(ip, text("hello"));
  const auto with = [&](auto change) {
    Ip6Fields fields = ip;
    change(fields);
    return ip6_frame(fields, hello);
  };
  Frame bad_sum = icmp6_frame(ip, 128, 0, text("0001"));
  bad_sum[14 + 42] ^= std::byte{1};
  const IpAddress target = v6("2001:db8::1");
  const IpAddress group = wire::ipv6::solicited_node(target), all = wire::ipv6::kAllNodes;
  const Frame option = link_option(1, mac(2));
  struct Case {
    const char* what;
    Frame frame;
    const char* counter;
  };
  const Case cases[] = {
      {"a cut header", ethernet_frame(mac(1), mac(2), 0x86dd, Frame(39)), "v6_bad_header"},
      {"version 4", with([](auto& f) { f.version = 4; }), "v6_bad_header"},
      {"longer than the frame", with([](auto& f) { f.length = 14; }), "v6_bad_header"},
      {"to another host", with([](auto& f) { f.to = v6("2001:db8::9"); }), "v6_not_for_us"},
      {"to a group we are not in", with([](auto& f) { f.to = v6("ff02::1234"); }), "v6_not_for_us"},
      {"to nobody", with([](auto& f) { f.to = {}; }), "v6_bad_address"},
      {"to loopback", with([](auto& f) { f.to = v6("::1"); }), "v6_bad_address"},
      {"from loopback", with([](auto& f) { f.from = v6("::1"); }), "v6_bad_address"},
      {"from a group", with([&](auto& f) { f.from = all; }), "v6_bad_address"},
      {"from ourselves", with([](auto& f) { f.from = f.to; }), "v6_bad_address"},
      {"from nobody", with([](auto& f) { f.from = {}; }), "v6_bad_address"},
      {"from an IPv4 address", with([](auto& f) { f.from = Ipv4Address::of(192, 0, 2, 1); }),
       "v6_bad_address"},
      {"UDP without a checksum", ip6_frame(ip, udp6(ip, text("x"), 53, 0)), "udp_checksum"},
      {"UDP with a wrong checksum", ip6_frame(ip, udp6(ip, text("x"), 53, 1)), "udp_checksum"},
      {"a cut UDP header", ip6_frame(ip, Frame(7)), "bad_udp"},
      {"a cut ICMPv6 message", icmp6_frame(ip, 128, 0, Frame(3)), "v6_bad_icmp"},
      {"a wrong ICMPv6 checksum", bad_sum, "v6_bad_icmp"},
      {"a cut solicitation",
       icmp6_frame({.from = ip.from, .to = group, .hop_limit = 255}, 135, 0, Frame(19)),
       "bad_discovery"},
      {"a solicitation from afar",
       neighbour_frame({.from = ip.from, .to = group, .hop_limit = 254}, 135, 0, target, option),
       "bad_discovery"},
      {"a solicitation of a group",
       neighbour_frame({.from = ip.from, .to = group}, 135, 0, all, option), "bad_discovery"},
      {"a solicitation with an option of no length",
       neighbour_frame({.from = ip.from, .to = group}, 135, 0, target, Frame(8)), "bad_discovery"},
      {"a solicitation with an option that is too long",
       neighbour_frame({.from = ip.from, .to = group}, 135, 0, target, hex("0102000000000000")),
       "bad_discovery"},
      {"a question from nobody to one", neighbour_frame({.from = {}, .to = target}, 135, 0, target),
       "bad_discovery"},
      {"a question from nobody with an address",
       neighbour_frame({.from = {}, .to = group}, 135, 0, target, option), "bad_discovery"},
      {"an advertisement that answers all",
       neighbour_frame({.from = ip.from, .to = all}, 136, 0x60000000, ip.from,
                       link_option(2, mac(2))),
       "bad_discovery"},
      {"an advertisement of our address",
       neighbour_frame({.from = ip.from, .to = all}, 136, 0x20000000, target,
                       link_option(2, mac(2))),
       "v6_address_conflicts"},
      {"a router that is not near",
       icmp6_frame({.from = ip.from, .to = all, .hop_limit = 255}, 134, 0, Frame(12)),
       "bad_discovery"},
      {"a cut router advertisement", icmp6_frame({.to = all, .hop_limit = 255}, 134, 0, Frame(11)),
       "bad_discovery"},
      {"a cut redirect",
       icmp6_frame({.to = v6("2001:db8::1"), .hop_limit = 255}, 137, 0, Frame(35)),
       "bad_discovery"},
      {"a redirect from who is no router",
       icmp6_frame({.to = v6("2001:db8::1"), .hop_limit = 255}, 137, 0,
                   Frame(4) + bytes_of(v6("fe80::3")) + bytes_of(v6("2001:db8:9::9"))),
       "bad_discovery"},
      {"an error about nothing", icmp6_frame(ip, 1, 0, Frame(4)), "v6_errors_refused"},
      {"an error about what others sent", icmp6_frame(ip, 1, 4, Frame(4) + ip6_packet(ip, hello)),
       "v6_errors_refused"},
      {"a query from afar", icmp6_frame({.to = all, .hop_limit = 2}, 130, 0, Frame(20)),
       "v6_bad_icmp"},
  };
  for (const Case& each : cases) {
    const auto node = Node::ready(1, "2001:db8::1/64");
    node->receive(each.frame);
    EXPECT_EQ(node->troubles(), std::string(each.counter) + " 1\n") << each.what;
    EXPECT_TRUE(node->sent.empty() && node->delivered.empty()) << each.what;
    EXPECT_EQ(node->v6_engine.neighbours(*node->link).size(), 0u) << each.what;
  }
}

TEST(Ipv6, WalksOverExtensionHeadersAndSaysWhichItDoesNotTake) {
  struct Case {
    const char* what;
    std::uint8_t first;
    const char* headers;  // before UDP
    bool delivered;
    int code;  // of a parameter problem; -1: none
    std::uint32_t pointer;
  };
  const Case cases[] = {
      {"hop-by-hop options", 0, "11 00 0104 00000000", true, -1, 0},
      {"one byte of padding each", 60, "11 00 000000000000", true, -1, 0},
      {"a router alert", 0, "11 00 0502 0000 0100", true, -1, 0},
      {"destination options", 60, "11 00 0104 00000000", true, -1, 0},
      {"routing that is over", 43, "11 00 0400 00000000", true, -1, 0},
      {"a fragment that is all", 44, "11 00 0000 12345678", true, -1, 0},
      {"one of each", 0,
       "3c 00 010400000000 2b 00 010400000000 2c 00 0400 00000000 11 00 0000 00000001", true, -1,
       0},
      {"an option to skip", 60, "11 00 1e04 00000000", true, -1, 0},
      {"an option to drop the packet for", 60, "11 00 5e04 00000000", false, -1, 0},
      {"an option to complain about", 60, "11 00 9e04 00000000", false, 2, 42},
      {"an option to complain about, but not to groups", 60, "11 00 de04 00000000", false, 2, 42},
      {"routing to go on with", 43, "11 00 0001 00000000", false, 0, 42},
      {"hop-by-hop options in the wrong place", 60, "00 00 0104 00000000 11 00 0104 00000000",
       false, 1, 40},
      {"an unknown header", 200, "", false, 1, 6},
      {"an unknown header behind another", 60, "c8 00 0104 00000000", false, 1, 40},
      {"nothing", 59, "", false, -1, 0},
      {"a header beyond the packet", 60, "11 20 0104 00000000", false, -1, 0},
      {"an option beyond its header", 60, "11 00 0107 00000000", false, -1, 0},
      {"too many headers", 60,
       "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 "
       "3c00010400000000 3c00010400000000 3c00010400000000 1100010400000000",
       false, -1, 0},
  };
  for (const Case& each : cases) {
    const auto node = Node::ready(1, "2001:db8::1/64");
    node->teach(v6("2001:db8::2"), 2);
    const Ip6Fields udp{.from = v6("2001:db8::2"), .to = v6("2001:db8::1"), .next = each.first};
    const Frame offending = ip6_frame(udp, hex(each.headers) + udp6(udp, text("hello")));
    node->receive(offending);
    EXPECT_EQ(node->delivered.size(), each.delivered ? 1u : 0u) << each.what;
    ASSERT_EQ(node->sent.size(), each.code < 0 ? 0u : 1u) << each.what;
    if (each.code < 0) continue;
    const Sent6 problem = node->packet(0);
    EXPECT_EQ(problem.type(), 4) << each.what;
    EXPECT_EQ(static_cast<int>(problem.payload[1]), each.code) << each.what;
    EXPECT_EQ(load_be<std::uint32_t>(Bytes(problem.payload).subspan(4)), each.pointer) << each.what;
    EXPECT_TRUE(equal_bytes(Bytes(problem.payload).subspan(8), Bytes(offending).subspan(14)))
        << each.what;
  }
}

TEST(Ipv6, TellsTheSenderThatAPortIsUnreachableAndHearsItAgain) {
  const auto a = Node::ready(1, "2001:db8::1/64"), b = Node::ready(2, "2001:db8::2/64");
  a->send(v6("2001:db8::2"), std::string(1400, 'x'), 99);
  exchange({a.get(), b.get()});
  ASSERT_EQ(a->complaints.size(), 1u);
  EXPECT_EQ(a->complaints[0].first, udp::SocketErrc::kPortUnreachable);
  EXPECT_EQ(a->complaints[0].second, (Endpoint{v6("2001:db8::2"), 99}));
  EXPECT_EQ(b->count("v6_errors_sent"), 1u);
}

TEST(Ipv6, LearnsFromTooBigWhatAPathCarries) {
  for (const auto& [said, learned] :
       {std::pair{1400u, 1400u}, {1000u, 1280u}, {1500u, 1500u}, {70000u, 1500u}}) {
    const auto node = Node::ready(1, "2001:db8::1/64");
    node->teach(v6("2001:db8::2"), 2);
    node->send(v6("2001:db8::2"), std::string(1452, 'x'));
    Frame rest(4);
    store_be(MutableBytes(rest), std::uint32_t{said});
    const Frame sent = node->sent.at(0);
    node->receive(icmp6_frame({.from = v6("2001:db8::2"), .to = v6("2001:db8::1")}, 2, 0,
                              rest + Frame(sent.begin() + 14, sent.begin() + 14 + 1000)));
    EXPECT_EQ(node->host.path(v6("2001:db8::2"), {})->mtu, learned) << said;
    node->pass(seconds(601));
    EXPECT_EQ(node->host.path(v6("2001:db8::2"), {})->mtu, 1500u);
  }
}

State state_of(const Node& node, const IpAddress& neighbour) {
  return node.v6_engine.neighbours(*node.link).state(neighbour, node.now);
}

TEST(Ipv6Neighbours, AreAskedWhetherTheyAreStillThere) {
  const auto a = Node::ready(1, "2001:db8::1/64"), b = Node::ready(2, "2001:db8::2/64");
  const IpAddress to = v6("2001:db8::2");
  a->send(to, "x");
  EXPECT_EQ(state_of(*a, to), State::kIncomplete);
  exchange({a.get(), b.get()});
  EXPECT_EQ(state_of(*a, to), State::kReachable);
  a->pass(seconds(46));
  EXPECT_EQ(state_of(*a, to), State::kStale);
  EXPECT_TRUE(a->sent.empty()) << "who is not used is not asked";
  a->send(to, "y");
  EXPECT_EQ(a->sent.size(), 1u);
  EXPECT_EQ(state_of(*a, to), State::kDelay);
  a->pass(seconds(5));
  EXPECT_EQ(state_of(*a, to), State::kProbe);
  ASSERT_EQ(a->sent.size(), 2u);
  EXPECT_EQ(a->packet(1).type(), 135);
  EXPECT_EQ(a->packet(1).to_mac, mac(2)) << "by unicast";
  b->now = a->now;
  exchange({a.get(), b.get()});
  EXPECT_EQ(state_of(*a, to), State::kReachable);
  // Without an answer to three solicitations, the entry is removed.
  a->pass(seconds(46));
  a->send(to, "z");
  for (int i = 0; i < 10; ++i) a->pass(seconds(1));
  EXPECT_EQ(state_of(*a, to), State::kFree);
  EXPECT_EQ(a->count("no_neighbour"), 1u);
}

TEST(Ipv6Neighbours, StayReachableWhileTheTransportHearsThem) {
  const auto a = Node::ready(1, "2001:db8::1/64");
  a->teach(v6("2001:db8::2"), 2);
  EXPECT_EQ(state_of(*a, v6("2001:db8::2")), State::kDelay)
      << "it was answered, and nothing was heard since";
  a->host.confirm_reachable(v6("2001:db8::2"), a->now);
  EXPECT_EQ(state_of(*a, v6("2001:db8::2")), State::kReachable);
}

TEST(Ipv6Neighbours, ThatNobodyHasAreGivenUpAndTheSenderHearsOfIt) {
  const auto a = Node::ready(1, "2001:db8::1/64");
  a->send(v6("2001:db8::77"), "x");
  a->send(v6("2001:db8::77"), "y");
  for (int i = 0; i < 4; ++i) a->pass(seconds(1));
  EXPECT_EQ(a->sent.size(), 3u);
  ASSERT_EQ(a->complaints.size(), 2u);
  for (const auto& each : a->complaints) EXPECT_EQ(each.first, udp::SocketErrc::kUnreachable);
}

TEST(Ipv6Neighbours, BelieveAnAdvertisementAsFarAsRfc4861Says) {
  const IpAddress peer = v6("2001:db8::2");
  struct Case {
    const char* what;
    std::uint32_t flags;
    std::uint8_t from;  // the hardware address in it; 0: none
    State before, after;
    std::uint8_t known;
  };
  for (const Case& each :
       {Case{"a new address without override makes it stale", 0, 9, State::kReachable,
             State::kStale, 2},
        {"a new address with override is taken", 0x20000000, 9, State::kReachable, State::kStale,
         9},
        {"solicited and the same", 0x40000000, 2, State::kStale, State::kReachable, 2},
        {"solicited without an address", 0x40000000, 0, State::kStale, State::kReachable, 2},
        {"solicited and overriding", 0x60000000, 9, State::kStale, State::kReachable, 9},
        {"unsolicited and the same changes nothing", 0x20000000, 2, State::kReachable,
         State::kReachable, 2}}) {
    const auto node = Node::ready(1, "2001:db8::1/64");
    node->teach(peer, 2);
    if (each.before == State::kReachable) node->host.confirm_reachable(peer, node->now);
    const IpAddress to = (each.flags & 0x40000000) != 0 ? v6("2001:db8::1") : wire::ipv6::kAllNodes;
    node->receive(neighbour_frame({.from = peer, .to = to}, 136, each.flags, peer,
                                  each.from == 0 ? Frame() : link_option(2, mac(each.from))));
    EXPECT_EQ(state_of(*node, peer), each.after) << each.what;
    EXPECT_EQ(node->v6_engine.neighbours(*node->link).mac_of(peer), mac(each.known)) << each.what;
  }
}

TEST(Ipv6Neighbours, AFloodFillsTheTableAndPushesOutThoseThatNeverAnswered) {
  const auto node = Node::ready(1, "2001:db8::1/64");
  node->teach(v6("2001:db8::2"), 2);
  for (unsigned i = 0; i < 3000; ++i) {
    node->send(IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 1, static_cast<std::uint16_t>(i)), "x");
  }
  EXPECT_EQ(node->v6_engine.neighbours(*node->link).size(), ipv6::Neighbours::kEntries);
  EXPECT_EQ(node->v6_engine.neighbours(*node->link).mac_of(v6("2001:db8::2")), mac(2));
  for (int i = 0; i < 5; ++i) node->pass(seconds(1));
  EXPECT_EQ(node->v6_engine.neighbours(*node->link).size(), 1u);
}

TEST(Ipv6, HearsWhatItSendsToItself) {
  const auto node = Node::ready(1, "2001:db8::1/64");
  for (const std::string_view to : {"::1", "2001:db8::1"}) {
    node->delivered.clear();
    node->send(v6(to), "me");
    node->pass({});
    ASSERT_EQ(node->delivered.size(), 1u) << to;
    EXPECT_EQ(node->delivered[0].from.address, v6(to));
  }
  EXPECT_TRUE(node->sent.empty());
}

}  // namespace
}  // namespace fata::ip
