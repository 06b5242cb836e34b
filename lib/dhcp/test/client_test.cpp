// RFC 2131 figure 5, transition by transition, with a virtual clock.
#include "fata/dhcp/client.hpp"

#include <gtest/gtest.h>

#include "server.hpp"

namespace fata::dhcp {
namespace {

using State = Client::State;

struct Sent {
  Kind kind;
  std::uint32_t xid;
  Ipv4Address address, from, to;
  bool broadcast;
  Instant at;
};

class Bench : public ::testing::Test, public Outside {
 protected:
  void send(Bytes message, Ipv4Address from, Ipv4Address to, Instant at) override {
    EXPECT_GE(message.size(), 300u);
    sent.push_back({static_cast<Kind>(message[242]),
                    load_be<std::uint32_t>(message.subspan(4)),
                    {load_be<std::uint32_t>(message.subspan(12))},
                    from,
                    to,
                    message[10] == std::byte{0x80},
                    at});
  }
  void event(Event what, const Lease&, Instant) override { events.push_back(what); }

  void pass(Duration time) {
    const Instant end = now + time;
    while (client.next_deadline() <= end) {
      now = std::max(now, client.next_deadline());
      client.tick(now);
      ASSERT_LT(sent.size(), 10000u) << "it asks without end";
    }
    now = end;
  }
  void answer(Answer what) {
    what.xid = sent.back().xid;
    client.receive(what.bytes(), now);
  }
  void bind(std::uint32_t lease = 3600, std::vector<std::pair<int, Octets>> more = {}) {
    client.start(now);
    client.tick(now);
    answer({});
    bound_at = now;
    answer({.kind = Kind::kAck, .lease = lease, .more = std::move(more)});
    ASSERT_EQ(client.state(), State::kChecking);
    client.address_ready(now);
    ASSERT_EQ(client.state(), State::kBound);
    sent.clear();
    events.clear();
  }

  std::vector<Sent> sent;
  std::vector<Event> events;
  Instant now = Instant{} + seconds(100), bound_at{};
  Client client{{.mac = kUs}, {1, 2}, *this};
};

TEST_F(Bench, AnAddressIsFoundRequestedCheckedAndUsed) {
  client.start(now);
  client.tick(now);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].kind, Kind::kDiscover);
  answer({});
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].kind, Kind::kRequest);
  EXPECT_EQ(sent[1].xid, sent[0].xid);
  EXPECT_TRUE(sent[1].address.is_any());
  answer({.kind = Kind::kAck});
  EXPECT_EQ(events, std::vector{Event::kCheck});
  client.address_ready(now);
  EXPECT_EQ(events, (std::vector{Event::kCheck, Event::kBound}));
  EXPECT_EQ(client.lease().address, (Ipv4Cidr{kOurs, 24}));
  EXPECT_EQ(client.next_deadline(), now + seconds(1800));
}

TEST_F(Bench, UnansweredQuestionsBecomeRarerAndAreComplainedOfOnce) {
  client.start(now);
  pass(seconds(600));
  ASSERT_GT(sent.size(), 8u);
  for (std::size_t i = 1; i < sent.size(); ++i) {
    const Duration pause = sent[i].at - sent[i - 1].at;
    const std::int64_t base = std::min<std::int64_t>(4 << (i - 1), 64);
    EXPECT_GE(pause, seconds(base - 1));
    EXPECT_LE(pause, seconds(base + 1));
    EXPECT_EQ(sent[i].xid, sent[0].xid);
    EXPECT_EQ(sent[i].broadcast, i >= 2);
  }
  EXPECT_EQ(events, std::vector{Event::kNoAnswer});
}

TEST_F(Bench, AServerThatOffersAndIsSilentThenIsGivenUp) {
  client.start(now);
  client.tick(now);
  answer({});
  pass(seconds(70));
  EXPECT_EQ(std::ranges::count(sent, Kind::kRequest, &Sent::kind), 4);
  EXPECT_EQ(sent.back().kind, Kind::kDiscover);
}

TEST_F(Bench, WhatIsNotForThisExchangeIsCountedAndDropped) {
  client.start(now);
  client.tick(now);
  const std::uint32_t xid = sent[0].xid;
  const auto refuse = [&](Answer what, Client::Count why) {
    const std::uint64_t before = client.count(why);
    client.receive(what.bytes(), now);
    EXPECT_EQ(client.count(why), before + 1) << why;
  };
  refuse({.xid = xid + 1}, Client::kOtherExchange);
  refuse({.xid = xid, .mac = {}}, Client::kOtherClient);
  refuse({.kind = Kind::kAck, .xid = xid}, Client::kUnexpected);
  refuse({.kind = Kind::kNak, .xid = xid}, Client::kUnexpected);
  refuse({.xid = xid, .server = {}}, Client::kOtherServer);
  refuse({.xid = xid, .lease = 3}, Client::kBadTime);
  for (const Ipv4Address bad : {Ipv4Address{}, Ipv4Address{0xffffffff},
                                Ipv4Address::of(127, 0, 0, 1), Ipv4Address::of(224, 0, 0, 1),
                                Ipv4Address::of(10, 0, 0, 0), Ipv4Address::of(10, 0, 0, 255)}) {
    refuse({.xid = xid, .address = bad}, Client::kBadAddress);
  }
  client.receive({}, now);
  EXPECT_EQ(client.count(Client::kBadHeader), 1u);
  EXPECT_EQ(client.state(), State::kSelecting);
  answer({});
  refuse({.kind = Kind::kAck, .xid = xid, .server = Ipv4Address::of(10, 0, 0, 3)},
         Client::kOtherServer);
  refuse({.kind = Kind::kNak, .xid = xid, .server = Ipv4Address::of(10, 0, 0, 3)},
         Client::kOtherServer);
  EXPECT_EQ(client.state(), State::kRequesting);
}

TEST_F(Bench, ALeaseIsRenewedByItsServerAtHalfTime) {
  bind();
  pass(seconds(1801));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].kind, Kind::kRequest);
  EXPECT_EQ(sent[0].at, bound_at + seconds(1800));
  EXPECT_EQ(sent[0].to, kServerAddress);
  EXPECT_EQ(sent[0].from, kOurs);
  EXPECT_EQ(sent[0].address, kOurs);
  answer({.kind = Kind::kAck});
  EXPECT_EQ(events, std::vector{Event::kRenewed});
  EXPECT_EQ(client.next_deadline(), sent[0].at + seconds(1800))
      << "the lease counts from the question";
}

TEST_F(Bench, ASilentServerIsFollowedByAnyAndThenByTheLossOfTheLease) {
  bind();
  pass(seconds(3149));
  EXPECT_EQ(client.state(), State::kRenewing);
  pass(seconds(2));
  EXPECT_EQ(client.state(), State::kRebinding);
  EXPECT_TRUE(sent.back().to.is_limited_broadcast());
  EXPECT_EQ(sent.back().from, kOurs);
  for (std::size_t i = 1; i < sent.size(); ++i) EXPECT_GE(sent[i].at - sent[i - 1].at, seconds(20));
  pass(seconds(448));
  EXPECT_TRUE(events.empty());
  pass(seconds(2));
  EXPECT_EQ(events, std::vector{Event::kLost});
  EXPECT_EQ(client.state(), State::kSelecting);
  EXPECT_EQ(sent.back().kind, Kind::kDiscover);
}

TEST_F(Bench, AnotherServerMayRebind) {
  bind();
  pass(seconds(3151));
  const Ipv4Address other = Ipv4Address::of(10, 0, 0, 3);
  answer({.kind = Kind::kAck, .server = other});
  EXPECT_EQ(client.state(), State::kBound);
  EXPECT_EQ(client.lease().server, other);
  EXPECT_EQ(events, std::vector{Event::kRenewed});
}

TEST_F(Bench, ANakEndsTheLeaseAtOnceAndRepeatedOnesSlowTheSearch) {
  bind();
  pass(seconds(1801));
  answer({.kind = Kind::kNak});
  EXPECT_EQ(events, std::vector{Event::kLost});
  client.tick(now);
  EXPECT_EQ(sent.back().kind, Kind::kDiscover);
  const Instant began = now;
  for (int i = 0; i < 6; ++i) {
    answer({});
    answer({.kind = Kind::kNak});
    now = client.next_deadline();
    client.tick(now);
  }
  EXPECT_GE(now - began, seconds(2 + 4 + 8 + 16 + 32 + 64));
  EXPECT_EQ(client.count(Client::kNaks), 7u);
}

TEST_F(Bench, AnAddressThatSomebodyHasIsDeclined) {
  client.start(now);
  client.tick(now);
  answer({});
  answer({.kind = Kind::kAck});
  client.address_taken(now);
  EXPECT_EQ(sent.back().kind, Kind::kDecline);
  EXPECT_TRUE(sent.back().to.is_limited_broadcast());
  EXPECT_TRUE(sent.back().address.is_any());
  EXPECT_EQ(events, (std::vector{Event::kCheck, Event::kLost}));
  EXPECT_EQ(client.next_deadline(), now + seconds(10));
  pass(seconds(10));
  EXPECT_EQ(sent.back().kind, Kind::kDiscover);
}

TEST_F(Bench, AnAddressThatIsContestedLaterIsDeclinedToo) {
  bind();
  client.address_taken(now);
  EXPECT_EQ(sent.back().kind, Kind::kDecline);
  EXPECT_EQ(events, std::vector{Event::kLost});
}

TEST_F(Bench, AnotherAddressOnRenewalTakesThePlaceOfTheOldOne) {
  bind();
  pass(seconds(1801));
  answer({.kind = Kind::kAck, .address = Ipv4Address::of(10, 0, 0, 16)});
  EXPECT_EQ(events, (std::vector{Event::kLost, Event::kCheck}));
  client.address_ready(now);
  EXPECT_EQ(client.lease().address.address, Ipv4Address::of(10, 0, 0, 16));
}

TEST_F(Bench, ALeaseWithoutEndIsNeverRenewed) {
  bind(0xffffffff, {{58, number(10)}, {59, number(20)}});
  EXPECT_TRUE(client.next_deadline().is_never());
}

TEST_F(Bench, TimesThatMakeNoSenseAreReplacedByTheUsualOnes) {
  struct Case {
    std::uint32_t lease, renewal, rebinding, expected_renewal, expected_rebinding;
  };
  for (const Case& each :
       {Case{800, 0, 0, 400, 700}, Case{800, 900, 1000, 400, 700}, Case{800, 500, 400, 200, 400},
        Case{800, 100, 200, 100, 200}, Case{16, 0xffffffff, 1, 8, 14}}) {
    SCOPED_TRACE(each.renewal);
    client.release(now);
    bind(each.lease, {{58, number(each.renewal)}, {59, number(each.rebinding)}});
    EXPECT_LE(client.lease().renewal, client.lease().rebinding);
    EXPECT_EQ(client.lease().rebinding, bound_at + seconds(each.expected_rebinding));
    EXPECT_EQ(client.lease().renewal, bound_at + seconds(each.expected_renewal));
    EXPECT_GT(client.lease().renewal, bound_at);
  }
}

TEST_F(Bench, AfterARestoreTheLeaseIsConfirmedAtOnceAndTheAddressStays) {
  bind();
  pass(seconds(100));
  client.renew(SipKey{3, 4}, now);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].kind, Kind::kRequest);
  EXPECT_TRUE(sent[0].address.is_any()) << "INIT-REBOOT: ciaddr is zero";
  EXPECT_TRUE(sent[0].from.is_any());
  EXPECT_TRUE(client.has_address());
  bound_at = now;
  // Any server of the network may answer.
  answer({.kind = Kind::kAck, .server = Ipv4Address::of(10, 0, 0, 3)});
  EXPECT_EQ(client.state(), State::kBound);
  EXPECT_EQ(events, std::vector{Event::kRenewed});
  EXPECT_EQ(client.lease().renewal, bound_at + seconds(1800));
  EXPECT_EQ(client.lease().server, Ipv4Address::of(10, 0, 0, 3));
}

TEST_F(Bench, RestoredWhereNoServerAnswersItKeepsTheAddressForTheRestOfTheLease) {
  bind();
  pass(seconds(100));
  client.renew(SipKey{3, 4}, now);
  pass(seconds(90));
  EXPECT_EQ(sent.size(), 4u);
  EXPECT_EQ(client.state(), State::kBound);
  pass(seconds(3400));
  EXPECT_TRUE(client.has_address());
  pass(seconds(100));
  EXPECT_FALSE(client.has_address());
  EXPECT_EQ(events.front(), Event::kLost);
}

TEST_F(Bench, RestoredOnAnotherNetworkItLosesTheAddressWithTheServersRefusal) {
  bind();
  client.renew(SipKey{3, 4}, now);
  answer({.kind = Kind::kNak, .server = Ipv4Address::of(192, 0, 2, 1)});
  EXPECT_EQ(events, std::vector{Event::kLost});
  pass(seconds(1));
  EXPECT_EQ(sent.back().kind, Kind::kDiscover);
}

TEST_F(Bench, RestoredAfterTheEndOfItsLeaseItSearchesAgain) {
  bind();
  now = now + seconds(3601);
  client.renew(SipKey{3, 4}, now);
  EXPECT_EQ(events, std::vector{Event::kLost});
  pass(seconds(0));
  EXPECT_EQ(sent.back().kind, Kind::kDiscover);
}

TEST_F(Bench, RestoredWhileItSearchesItBeginsAnewWithOtherNumbers) {
  client.start(now);
  client.tick(now);
  const std::uint32_t before = sent.back().xid;
  client.renew(SipKey{3, 4}, now);
  pass(seconds(0));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].kind, Kind::kDiscover);
  EXPECT_NE(sent[1].xid, before);
  EXPECT_TRUE(events.empty());
}

TEST_F(Bench, ALeaseIsGivenBack) {
  bind();
  client.release(now);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].kind, Kind::kRelease);
  EXPECT_EQ(sent[0].to, kServerAddress);
  EXPECT_EQ(sent[0].address, kOurs);
  EXPECT_EQ(client.state(), State::kIdle);
  EXPECT_TRUE(client.next_deadline().is_never());
  client.release(now);
  EXPECT_EQ(sent.size(), 1u);
}

}  // namespace
}  // namespace fata::dhcp
