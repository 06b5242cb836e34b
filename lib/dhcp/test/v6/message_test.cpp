#include "fata/dhcp/v6/message.hpp"

#include <gtest/gtest.h>

#include "server.hpp"

namespace fata::dhcp::v6 {
namespace {

constexpr Identity kClient{.mac = kUs, .iaid = 1};

std::string text(const auto& few) { return {few.all().begin(), few.all().end()}; }

Octets suboption(unsigned code, const Octets& data) {
  Octets out;
  put(out, code, data);
  return out;
}

TEST(Message6, AReplyIsReadWhole) {
  Octets search = labels("a.example");
  append(search, labels("b.example"));
  Octets time = suboption(1, octets_of(kDns6));
  append(time, suboption(2, octets_of(*IpAddress::parse("ff05::101"))));
  append(time, suboption(3, labels("ntp.example")));
  const auto bytes = Answer6{.preference = 9,
                             .rapid = true,
                             .renewal = 100,
                             .rebinding = 200,
                             .preferred = 1800,
                             .more = {{23, octets_of(kDns6)},
                                      {24, search},
                                      {32, number(700)},
                                      {56, time},
                                      {82, number(60)},
                                      {83, number(86400)}}}
                         .bytes();
  const auto reply = Reply::parse(bytes, kClient);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->kind, Kind::kReply);
  EXPECT_EQ(reply->xid, 7u);
  EXPECT_TRUE(reply->for_us);
  EXPECT_EQ(reply->server.all().size(), 5u);
  EXPECT_EQ(reply->preference, 9);
  EXPECT_TRUE(reply->rapid_commit);
  ASSERT_TRUE(reply->association);
  EXPECT_EQ(reply->association->renewal, 100u);
  EXPECT_EQ(reply->association->rebinding, 200u);
  ASSERT_EQ(reply->association->addresses.all().size(), 1u);
  const Assigned& assigned = reply->association->addresses.all()[0];
  EXPECT_EQ(assigned.address, kOurs6);
  EXPECT_EQ(assigned.preferred, 1800u);
  EXPECT_EQ(assigned.valid, 3600u);
  ASSERT_EQ(reply->settings.name_servers.all().size(), 1u);
  EXPECT_EQ(reply->settings.name_servers.all()[0], kDns6);
  EXPECT_EQ(text(reply->settings.search), "a.example b.example");
  ASSERT_EQ(reply->settings.time_servers.all().size(), 1u);
  EXPECT_EQ(text(reply->settings.time_server), "ntp.example");
  EXPECT_EQ(reply->refresh, 700u);
  EXPECT_EQ(reply->max_solicit, 60u);
  EXPECT_EQ(reply->max_information, 86400u);
  EXPECT_EQ(reply->bad_options, 0u);
}

TEST(Message6, EveryTruncationIsRefusedOrReadWithoutHarm) {
  const auto bytes = Answer6{.more = {{24, labels("a.example")}}}.bytes();
  unsigned whole = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto reply = Reply::parse(Bytes(bytes).first(size), kClient);
    if (reply) {
      ++whole;
    } else {
      EXPECT_EQ(reply.error(), size < 4 ? Malformed::kHeader : Malformed::kOptions) << size;
    }
  }
  EXPECT_EQ(whole, 4u);  // at the header's end and at each option's
}

TEST(Message6, AMessageThatNoServerSendsToAClientIsRefused) {
  for (const int kind : {0, 1, 3, 4, 5, 6, 8, 9, 11, 12, 13, 255}) {
    const auto bytes = Answer6{.kind = static_cast<Kind>(kind)}.bytes();
    EXPECT_EQ(Reply::parse(bytes, kClient).error(), Malformed::kHeader) << kind;
  }
}

TEST(Message6, AMalformedOptionIsIgnoredAndCounted) {
  const struct {
    unsigned code;
    Octets data;
  } table[] = {{7, {}},
               {7, octets({1, 2})},
               {13, octets({0})},
               {14, octets({1})},
               {2, octets({0, 3})},
               {2, Octets(131)},
               {23, {}},
               {23, Octets(17)},
               {24, {}},
               {24, octets({1, 'a'})},
               {24, octets({0})},
               {24, octets({0xc0, 0})},
               {24, octets({64})},
               {24, octets({1, '/', 0})},
               {32, octets({1, 2, 3})},
               {56, octets({0, 1, 0})},
               {56, octets({0, 1, 0, 1, 1})},
               {56, octets({0, 3, 0, 1, 0})},
               {82, number(59)},
               {82, number(86401)},
               {83, number(3, 2)},
               {3, octets({0, 0, 0, 1})}};
  for (const auto& [code, data] : table) {
    const auto reply = Reply::parse(
        Answer6{.server = 0, .association = false, .more = {{code, data}}}.bytes(), kClient);
    ASSERT_TRUE(reply) << code;
    EXPECT_EQ(reply->bad_options, 1u) << code << " of " << data.size();
    EXPECT_TRUE(reply->for_us);
    EXPECT_EQ(reply->settings, Settings{}) << code;
    EXPECT_TRUE(reply->server.all().empty() && !reply->association && !reply->rapid_commit);
  }
}

TEST(Message6, AnAssociationIsCheckedAgainstItsOwnRules) {
  const auto read = [](const Answer6& answer) { return *Reply::parse(answer.bytes(), kClient); };
  EXPECT_FALSE(read({.iaid = 2}).association) << "another interface's";
  EXPECT_FALSE(read({.renewal = 11, .rebinding = 10}).association);
  EXPECT_TRUE(read({.renewal = 11, .rebinding = 0}).association);
  EXPECT_TRUE(read({.valid = 100, .preferred = 101}).association->addresses.all().empty());
  for (const char* address : {"::", "::1", "ff02::1", "fe80::1"}) {
    const auto reply = read({.address = *IpAddress::parse(address)});
    EXPECT_TRUE(reply.association->addresses.all().empty()) << address;
    EXPECT_EQ(reply.bad_options, 1u);
  }
  EXPECT_EQ(read({.association_status = 3}).association->status, Status::kNoBinding);
}

TEST(Message6, ListsAreBounded) {
  Octets many, names;
  for (int i = 0; i < 40; ++i) append(many, octets_of(kDns6));
  for (int i = 0; i < 40; ++i) append(names, labels("a-rather-long-label.example"));
  const auto reply = *Reply::parse(Answer6{.more = {{23, many}, {24, names}}}.bytes(), kClient);
  EXPECT_EQ(reply.settings.name_servers.all().size(), 4u);
  EXPECT_EQ(reply.settings.search.all().size(), 9 * 27u + 8);
}

TEST(Message6, AnotherClientsIdentifierIsNotOurs) {
  Octets other = kOurDuid;
  other.back() = std::byte{2};
  EXPECT_FALSE(Reply::parse(Answer6{.client = other}.bytes(), kClient)->for_us);
  EXPECT_FALSE(Reply::parse(Answer6{.client = {}}.bytes(), kClient)->for_us);
}

TEST(Message6, ASolicitHasTheBytesOfTheRfc) {
  std::array<std::byte, Request::kMax> bytes;
  const Request solicit{.kind = Kind::kSolicit,
                        .xid = 0x123456,
                        .us = kClient,
                        .elapsed = 258,
                        .rapid_commit = true,
                        .association = true};
  const auto expected =
      octets({1, 0x12, 0x34, 0x56, 0, 1, 0,  10, 0, 3, 0, 1,  2,  0,  0, 0,  0, 1, 0,
              8, 0,    2,    1,    2, 0, 14, 0,  0, 0, 3, 0,  12, 0,  0, 0,  1, 0, 0,
              0, 0,    0,    0,    0, 0, 0,  6,  0, 8, 0, 23, 0,  24, 0, 56, 0, 82});
  EXPECT_TRUE(equal_bytes(Bytes(bytes).first(solicit.write(bytes)), expected));
}

}  // namespace
}  // namespace fata::dhcp::v6
