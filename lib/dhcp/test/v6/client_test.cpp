// RFC 9915 section 18.2, exchange by exchange, with a virtual clock.
#include "fata/dhcp/v6/client.hpp"

#include <gtest/gtest.h>

#include "server.hpp"

namespace fata::dhcp::v6 {
namespace {

using State = Client::State;

struct Sent {
  Asked asked;
  Instant at;
};

class Bench6 : public ::testing::Test, public Outside {
 protected:
  void send(Bytes message, Instant at) override { sent.push_back({Asked::of(message), at}); }
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
  void answer(Answer6 what) {
    what.xid = sent.back().asked.xid;
    client.receive(what.bytes(), now);
  }
  Kind last() const { return sent.back().asked.kind; }
  void solicit() {
    client.start(Need::kAddress, now);
    pass(seconds(1));
    ASSERT_EQ(sent.size(), 1u);
  }
  void bind(std::uint32_t valid = 3600) {
    solicit();
    answer({.rapid = true, .valid = valid});
    ASSERT_EQ(client.state(), State::kChecking);
    client.address_ready(now);
    ASSERT_EQ(client.state(), State::kBound);
    sent.clear();
    events.clear();
  }

  std::vector<Sent> sent;
  std::vector<Event> events;
  Instant now = Instant{} + seconds(100);
  Client client{{.mac = kUs}, {1, 2}, *this};
};

TEST_F(Bench6, SettingsWithoutAnAddressAreRequestedAndRefreshed) {
  client.start(Need::kSettings, now);
  EXPECT_TRUE(sent.empty()) << "the first message is delayed";
  pass(seconds(1));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(last(), Kind::kInformationRequest);
  EXPECT_TRUE(sent[0].asked.has(1) && sent[0].asked.has(8) && !sent[0].asked.has(3));
  answer({.association = false, .more = {{23, octets_of(kDns6)}, {32, number(900)}}});
  EXPECT_EQ(events, std::vector{Event::kInformed});
  EXPECT_EQ(client.lease().settings.name_servers.all().size(), 1u);
  EXPECT_EQ(client.next_deadline(), now + seconds(900));
  pass(seconds(900));
  EXPECT_EQ(sent.size(), 2u);
  EXPECT_NE(sent[1].asked.xid, sent[0].asked.xid);
}

TEST_F(Bench6, TheRefreshTimeHasADefaultAndAMinimum) {
  const std::pair<std::vector<std::pair<unsigned, Octets>>, Instant> table[] = {
      {{}, Instant{} + seconds(86400)},
      {{{32, number(0)}}, Instant{} + seconds(600)},
      {{{32, number(kForever)}}, Instant::never()}};
  for (const auto& [more, due] : table) {
    Client each({.mac = kUs}, {3, 4}, *this);
    each.start(Need::kSettings, Instant{});
    each.tick(each.next_deadline());
    each.receive(Answer6{.xid = sent.back().asked.xid, .association = false, .more = more}.bytes(),
                 {});
    EXPECT_EQ(each.next_deadline(), due);
  }
}

TEST_F(Bench6, AnAddressIsFoundInTwoMessagesWithRapidCommit) {
  solicit();
  EXPECT_TRUE(sent[0].asked.has(14));
  answer({.rapid = true});
  EXPECT_EQ(events, std::vector{Event::kCheck});
  client.address_ready(now);
  EXPECT_EQ(events, (std::vector{Event::kCheck, Event::kBound}));
  EXPECT_EQ(client.lease().address, kOurs6);
  EXPECT_EQ(sent.size(), 1u);
}

TEST_F(Bench6, AReplyWithoutRapidCommitToASolicitIsDropped) {
  solicit();
  answer({});
  EXPECT_EQ(client.count(Client::kUnexpected), 1u);
  EXPECT_EQ(client.state(), State::kSoliciting);
}

TEST_F(Bench6, TheMostPreferredServerOfTheFirstSecondIsUsed) {
  solicit();
  answer({.kind = Kind::kAdvertise, .server = 1, .preference = 5});
  answer({.kind = Kind::kAdvertise, .server = 2, .preference = 9});
  answer({.kind = Kind::kAdvertise, .server = 3});
  EXPECT_EQ(sent.size(), 1u);
  pass(milliseconds(1200));
  ASSERT_GE(sent.size(), 2u);
  EXPECT_EQ(sent[1].asked.kind, Kind::kRequest);
  EXPECT_EQ(sent[1].asked.options.at(2).back(), std::byte{2});
  EXPECT_EQ(sent[1].asked.address(), kOurs6);
  answer({.server = 1});
  EXPECT_EQ(client.count(Client::kOtherServer), 1u);
  answer({.server = 2});
  EXPECT_EQ(client.state(), State::kChecking);
}

TEST_F(Bench6, AServerOfTheHighestPreferenceIsUsedAtOnce) {
  solicit();
  answer({.kind = Kind::kAdvertise, .preference = 255});
  EXPECT_EQ(last(), Kind::kRequest);
}

TEST_F(Bench6, AnAdvertiseAfterTheFirstSecondIsUsedAtOnce) {
  solicit();
  pass(seconds(5));
  answer({.kind = Kind::kAdvertise});
  EXPECT_EQ(last(), Kind::kRequest);
}

TEST_F(Bench6, AnAdvertiseWithoutAnAddressIsNoOfferButItsLimitCounts) {
  solicit();
  answer({.kind = Kind::kAdvertise, .status = 2, .valid = {}, .more = {{82, number(60)}}});
  answer({.kind = Kind::kAdvertise, .association_status = 2, .valid = {}});
  answer({.kind = Kind::kAdvertise, .association = false});
  answer({.kind = Kind::kAdvertise, .valid = 15});
  EXPECT_EQ(client.count(Client::kRefused), 4u);
  pass(seconds(4000));
  EXPECT_EQ(client.state(), State::kSoliciting);
  EXPECT_GT(sent.size(), 50u) << "SOL_MAX_RT of 60 s";
}

TEST_F(Bench6, SolicitsBecomeRarerAndAreReportedOnce) {
  client.start(Need::kAddress, now);
  pass(seconds(40000));
  ASSERT_GT(sent.size(), 15u);
  for (std::size_t i = 1; i < sent.size(); ++i) {
    const Duration pause = sent[i].at - sent[i - 1].at;
    if (i == 1) {
      EXPECT_GE(pause, seconds(1));
      EXPECT_LE(pause, milliseconds(1100));
    } else {
      const Duration before = sent[i - 1].at - sent[i - 2].at;
      EXPECT_GE(pause, std::min(before * 19 / 10, seconds(3240)));
      EXPECT_LE(pause, std::min(before * 21 / 10, seconds(3960)));
    }
    EXPECT_EQ(sent[i].asked.xid, sent[0].asked.xid);
  }
  EXPECT_EQ(events, std::vector{Event::kNoAnswer});
}

TEST_F(Bench6, AServerThatAdvertisesAndIsSilentThenIsGivenUp) {
  solicit();
  answer({.kind = Kind::kAdvertise, .preference = 255});
  pass(seconds(300));
  const auto requests = std::ranges::count_if(
      sent, [](const Sent& each) { return each.asked.kind == Kind::kRequest; });
  EXPECT_EQ(requests, 10);
  EXPECT_EQ(last(), Kind::kSolicit);
}

TEST_F(Bench6, ALeaseIsRenewedThenRebound) {
  bind(1000);
  EXPECT_EQ(client.lease().rebinding - client.lease().renewal, seconds(300));
  pass(seconds(501));
  EXPECT_EQ(last(), Kind::kRenew);
  EXPECT_TRUE(sent.back().asked.has(2));
  answer({});
  EXPECT_EQ(events, std::vector{Event::kRenewed});
  EXPECT_EQ(client.state(), State::kBound);
  pass(seconds(2900));
  EXPECT_EQ(last(), Kind::kRebind);
  EXPECT_FALSE(sent.back().asked.has(2));
  answer({.server = 2});
  EXPECT_EQ(client.state(), State::kBound);
  EXPECT_EQ(client.lease().server.all().back(), std::byte{2});
}

TEST_F(Bench6, AnAddressIsNotUsedBeyondItsLifetime) {
  bind(1000);
  const Instant end = client.lease().end;
  pass(end - now - milliseconds(1));
  EXPECT_TRUE(client.has_address());
  pass(milliseconds(1));
  EXPECT_FALSE(client.has_address());
  EXPECT_EQ(events, std::vector{Event::kLost});
  pass(seconds(2));
  EXPECT_EQ(last(), Kind::kSolicit);
}

TEST_F(Bench6, TheServersTimesAreUsedIfTheyArePlausible) {
  const struct {
    std::uint32_t renewal, rebinding, valid, preferred, t1, t2;
  } table[] = {{100, 200, 1000, 1000, 100, 200}, {0, 0, 1000, 500, 250, 400},
               {0, 0, 1000, 0, 500, 800},        {2000, 3000, 1000, 1000, 500, 800},
               {1, 1, 1000, 1000, 8, 8},         {0, 300, 1000, 1000, 300, 300}};
  for (const auto& each : table) {
    Client one({.mac = kUs}, {5, 6}, *this);
    one.start(Need::kAddress, Instant{});
    const Instant at = one.next_deadline();
    one.tick(at);
    one.receive(Answer6{.xid = sent.back().asked.xid,
                        .rapid = true,
                        .renewal = each.renewal,
                        .rebinding = each.rebinding,
                        .valid = each.valid,
                        .preferred = each.preferred}
                    .bytes(),
                at);
    EXPECT_EQ((one.lease().renewal - at).s(), each.t1);
    EXPECT_EQ((one.lease().rebinding - at).s(), each.t2);
  }
}

TEST_F(Bench6, AShortLeaseThatAnswersALongSearchIsUsed) {
  client.start(Need::kAddress, now);
  pass(seconds(3000));
  answer({.rapid = true, .valid = 60});
  client.address_ready(now);
  EXPECT_EQ(client.state(), State::kBound);
  EXPECT_EQ(client.lease().end, now + seconds(50)) << "the reply may be 10 s old";
}

TEST_F(Bench6, AnInfiniteLeaseIsNeverRenewed) {
  bind(kForever);
  EXPECT_TRUE(client.next_deadline().is_never());
}

TEST_F(Bench6, ABindingThatTheServerForgotIsRequestedAgain) {
  bind();
  pass(seconds(1801));
  answer({.association_status = 3, .valid = {}});
  EXPECT_EQ(events, std::vector{Event::kLost});
  EXPECT_EQ(last(), Kind::kRequest);
  answer({});
  EXPECT_EQ(client.state(), State::kChecking);
}

TEST_F(Bench6, AnAddressOfLifetimeZeroIsGivenUpForAnother) {
  bind();
  pass(seconds(1801));
  Octets other = octets_of(*IpAddress::parse("2001:db8::16"));
  append(other, number(600));
  append(other, number(600));
  Octets old = octets_of(kOurs6);
  append(old, number(0));
  append(old, number(0));
  Octets body = number(1);
  append(body, number(0));
  append(body, number(0));
  put(body, 5, old);
  put(body, 5, other);
  answer({.association = false, .more = {{3, body}}});
  EXPECT_EQ(events, (std::vector{Event::kLost, Event::kCheck}));
  EXPECT_EQ(client.lease().address, IpAddress::parse("2001:db8::16"));
}

TEST_F(Bench6, ANetworkThatRefusesIsAskedMoreAndMoreRarely) {
  solicit();
  for (int i = 0; i < 6; ++i) {
    answer({.kind = Kind::kAdvertise, .preference = 255});
    ASSERT_EQ(last(), Kind::kRequest);
    const Instant refused = now;
    answer({.status = 4, .association = false});
    EXPECT_GE(client.next_deadline(), i == 0 ? refused : refused + seconds(1 << i));
    now = client.next_deadline();
    client.tick(now);
  }
}

TEST_F(Bench6, AServerInTroubleIsAskedAgain) {
  bind();
  pass(seconds(1801));
  for (const int status : {1, 5, 77}) answer({.status = status, .association = false});
  EXPECT_EQ(client.count(Client::kRefused), 3u);
  EXPECT_EQ(client.state(), State::kRenewing);
  pass(seconds(12));
  EXPECT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].asked.xid, sent[0].asked.xid);
}

TEST_F(Bench6, ADuplicateAddressIsDeclinedAndTheSearchStartsAgain) {
  solicit();
  answer({.rapid = true});
  events.clear();
  client.address_taken(now);
  EXPECT_EQ(events, std::vector{Event::kLost});
  EXPECT_EQ(last(), Kind::kDecline);
  EXPECT_EQ(sent.back().asked.address(), kOurs6);
  pass(seconds(1) + milliseconds(200));
  EXPECT_EQ(sent.size(), 3u) << "it is retransmitted";
  answer({.status = 0, .association = false});
  const Instant answered = now;
  pass(seconds(12));
  EXPECT_EQ(last(), Kind::kSolicit);
  EXPECT_GE(sent.back().at - answered, seconds(10));
}

TEST_F(Bench6, AnUnansweredDeclineEnds) {
  bind();
  client.address_taken(now);
  pass(seconds(60));
  EXPECT_EQ(sent[3].asked.kind, Kind::kDecline);
  EXPECT_EQ(sent[4].asked.kind, Kind::kSolicit);
}

TEST_F(Bench6, AReleaseIsSentOnceAfterTheAddressIsUnused) {
  bind();
  client.release(now);
  EXPECT_EQ(events, std::vector{Event::kLost});
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(last(), Kind::kRelease);
  EXPECT_TRUE(client.next_deadline().is_never());
}

TEST_F(Bench6, ARestoredClientRebindsItsAddress) {
  bind();
  client.renew({9, 9}, now);
  pass({});
  EXPECT_EQ(last(), Kind::kRebind);
  EXPECT_TRUE(client.has_address());
  answer({.status = 4, .association = false});
  EXPECT_EQ(events, std::vector{Event::kLost});
}

TEST_F(Bench6, WhatIsNotForThisExchangeIsCountedAndDropped) {
  solicit();
  const std::uint32_t xid = sent.back().asked.xid;
  const std::pair<Answer6, Client::Count> table[] = {
      {{.xid = xid ^ 1, .rapid = true}, Client::kOtherExchange},
      {{.xid = xid, .client = octets({0, 3, 0, 1}), .rapid = true}, Client::kOtherClient},
      {{.xid = xid, .server = 0, .rapid = true}, Client::kOtherServer},
      {{.kind = Kind::kReconfigure, .xid = 0}, Client::kUnexpected},
      {{.xid = xid, .rapid = true, .valid = 15}, Client::kBadAddress},
      {{.xid = xid, .rapid = true, .iaid = 2}, Client::kBadAddress},
      {{.kind = Kind::kSolicit, .xid = xid}, Client::kBadHeader}};
  for (const auto& [answer, count] : table) {
    const std::uint64_t before = client.count(count);
    client.receive(answer.bytes(), now);
    EXPECT_EQ(client.count(count), before + 1) << client.counters()[count].name;
  }
  EXPECT_EQ(client.state(), State::kSoliciting);
  EXPECT_TRUE(events.empty());
}

TEST_F(Bench6, AFloodChangesNothingAndSendsNothing) {
  bind();
  const Octets stale = Answer6{.valid = 99999}.bytes();
  for (int i = 0; i < 10000; ++i) client.receive(stale, now);
  EXPECT_EQ(client.count(Client::kUnexpected), 10000u);
  EXPECT_TRUE(sent.empty() && events.empty());
}

}  // namespace
}  // namespace fata::dhcp::v6
