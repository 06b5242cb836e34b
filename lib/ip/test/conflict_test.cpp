// Other stations with one of our addresses: the reports, their rate, and the outcome for the
// address.
#include "nodes.hpp"

namespace fata::ip {
namespace {

using Outcome = AddressConflict::Outcome;

struct Reports final : ConflictReporter {
  void report(const Interface&, const AddressConflict& conflict, Instant) override {
    all.push_back(conflict);
  }
  std::vector<Outcome> outcomes() const {
    std::vector<Outcome> list;
    for (const AddressConflict& each : all) list.push_back(each.outcome);
    return list;
  }
  std::vector<AddressConflict> all;
};

Frame arp_claim(std::uint8_t who, Ipv4Address from, Ipv4Address target) {
  return ethernet_frame(MacAddress::broadcast(), mac(who), 0x0806,
                        arp_packet(wire::arp::kRequest, mac(who), from, target));
}
Frame advertisement6(const IpAddress& target, std::uint8_t who) {
  Frame frame = neighbour_frame({.from = target, .to = wire::ipv6::kAllNodes}, 136, 0x20000000,
                                target, link_option(2, mac(who)));
  copy_bytes(MutableBytes(frame).subspan(6, 6), mac(who).octets);
  return frame;
}

// RFC 5227 section 2.4 (c): "log useful information such as source Ethernet address".
TEST(AddressConflicts, OfAStaticIpv4AddressAreReportedOnceAMinuteAndItIsKept) {
  Recorder recorder;
  Reports reports;
  recorder.v4.report_conflicts_to(&reports);
  for (int i = 0; i < 100; ++i) {
    recorder.receive(arp_claim(6, v4_address(1), v4_address(1)));
    recorder.pass(seconds(1));
  }
  EXPECT_EQ(reports.outcomes(), (std::vector{Outcome::kKept, Outcome::kKept}));
  EXPECT_EQ(reports.all[0].address, IpAddress(v4_address(1)));
  EXPECT_EQ(reports.all[0].other, mac(6));
  EXPECT_TRUE(recorder.host.is_ours(v4_address(1)));
  EXPECT_EQ(recorder.count("address_conflicts"), 100u);
}

TEST(AddressConflicts, OfAnImagesFirstSecondAreReportedOnceEach) {
  for (const Instant start : {Instant{0}, Instant{1'000'000}, Instant{999'000'000}}) {
    Recorder recorder;
    Reports reports;
    recorder.now = start;
    recorder.v4.report_conflicts_to(&reports);
    for (int i = 0; i < 20; ++i) {
      recorder.receive(arp_claim(6, v4_address(1), v4_address(1)));
      recorder.now = recorder.now + milliseconds(20);
    }
    EXPECT_EQ(reports.outcomes(), std::vector{Outcome::kKept});
  }
}

TEST(AddressConflicts, OfAnIpv4AddressThatIsProbedOrWasGivenByAServerEndIt) {
  using Claim = ipv4::Engine::Claim;
  for (const auto claim : {Claim::kProbe, Claim::kUnprobed}) {
    Recorder recorder;
    Reports reports;
    recorder.v4.report_conflicts_to(&reports);
    recorder.v4.add_address(*recorder.link, {v4_address(7), 24}, recorder.now, claim);
    recorder.receive(arp_claim(6, v4_address(7), v4_address(7)));
    EXPECT_EQ(reports.outcomes(), std::vector{Outcome::kLost});
    EXPECT_EQ(reports.all[0].other, mac(6));
    EXPECT_FALSE(recorder.host.is_ours(v4_address(7)));
  }
}

TEST(AddressConflicts, ThatAreOurOwnFramesComeBackAreNone) {
  Recorder recorder;
  Reports reports;
  recorder.v4.report_conflicts_to(&reports);
  const Frame own = arp_packet(wire::arp::kRequest, mac(1), v4_address(1), v4_address(1));
  recorder.receive(ethernet_frame(MacAddress::broadcast(), mac(1), 0x0806, own));
  const auto node = Node::ready(1, "2001:db8::1/64");
  node->v6_engine.report_conflicts_to(&reports);
  node->receive(advertisement6(v6("2001:db8::1"), 1));
  EXPECT_TRUE(reports.all.empty());
  EXPECT_EQ(recorder.count("address_conflicts") + node->count("v6_address_conflicts"), 0u);
}

// RFC 4862 section 5.4.5: "SHOULD log a system management error".
TEST(AddressConflicts, ADuplicateStaticIpv6AddressIsReportedAndUsedOnceItIsFree) {
  const IpAddress ours = v6("2001:db8::1");
  const Frame question =
      neighbour_frame({.from = {}, .to = wire::ipv6::solicited_node(ours)}, 135, 0, ours);
  for (const Frame& other : {advertisement6(ours, 6), question}) {
    Node node(1);
    Reports reports;
    node.v6_engine.report_conflicts_to(&reports);
    EXPECT_TRUE(node.v6_engine.add_address(*node.link, {ours, 64}, node.now));
    node.receive(other);
    ASSERT_EQ(reports.outcomes(), std::vector{Outcome::kRefused});
    EXPECT_EQ(reports.all[0].address, ours);
    EXPECT_EQ(reports.all[0].other, other == question ? mac(2) : mac(6));
    for (int i = 0; i < 50; ++i) node.pass(seconds(1));
    EXPECT_FALSE(node.host.is_ours(ours));
    // Its holder answers once more and then disappears.
    for (int i = 0; i < 10; ++i) node.pass(seconds(1));
    node.receive(advertisement6(ours, 6));
    for (int i = 0; i < 70; ++i) node.pass(seconds(1));
    EXPECT_TRUE(node.host.is_ours(ours));
    EXPECT_EQ(reports.outcomes(),
              (std::vector{Outcome::kRefused, Outcome::kRefused, Outcome::kRecovered}));
  }
}

TEST(AddressConflicts, AGeneratedAddressIsReplacedThreeTimesThenTriedAgainLater) {
  Node node(1);
  Reports reports;
  node.v6_engine.report_conflicts_to(&reports);
  node.v6_engine.start(*node.link, node.now);
  for (int i = 0; i < 4; ++i) node.receive(advertisement6(node.link_local(), 6));
  EXPECT_EQ(reports.outcomes(), (std::vector{Outcome::kReplaced, Outcome::kReplaced,
                                             Outcome::kReplaced, Outcome::kRefused}));
  EXPECT_FALSE(node.host.is_ours(node.link_local()));
  for (int i = 0; i < 62; ++i) node.pass(seconds(1));
  EXPECT_TRUE(node.host.is_ours(node.link_local()));
  EXPECT_EQ(reports.all.back().outcome, Outcome::kRecovered);
}

TEST(AddressConflicts, OfAnIpv6AddressInUseAreReportedOnceAMinute) {
  const auto node = Node::ready(1, "2001:db8::1/64");
  Reports reports;
  node->v6_engine.report_conflicts_to(&reports);
  for (int i = 0; i < 100; ++i) {
    node->receive(advertisement6(v6("2001:db8::1"), 6));
    node->pass(seconds(1));
  }
  EXPECT_EQ(reports.outcomes(), (std::vector{Outcome::kKept, Outcome::kKept}));
  EXPECT_EQ(reports.all[0].other, mac(6));
  EXPECT_TRUE(node->host.is_ours(v6("2001:db8::1")));
}

TEST(AddressConflicts, WhoHasOurDuplicateAddressIsANeighbourLikeAnyOther) {
  const IpAddress other = v6("2001:db8::2");
  const auto node = Node::ready(1, "2001:db8::1/64");
  EXPECT_TRUE(node->v6_engine.add_address(*node->link, {other, 64}, node->now));
  node->receive(advertisement6(other, 6));
  node->settle();
  node->send(other, "x");
  node->receive(neighbour_frame({.from = other, .to = v6("2001:db8::1")}, 136, 0x60000000, other,
                                link_option(2, mac(6))));
  ASSERT_EQ(node->sent.size(), 2u);
  EXPECT_EQ(node->packet(1).to_mac, mac(6));
}

}  // namespace
}  // namespace fata::ip
