#include "fata/dhcp/message.hpp"

#include <gtest/gtest.h>

#include "server.hpp"

namespace fata::dhcp {
namespace {

std::string text(const auto& few) { return {few.all().begin(), few.all().end()}; }

TEST(Message, AnOfferIsReadWhole) {
  const auto bytes = Answer{.more = {{6, number(0x01020304)},
                                     {15, octets({'a', '.', 'b', 0})},
                                     {26, number(1400, 2)},
                                     {58, number(100)},
                                     {59, number(200)}}}
                         .bytes();
  const auto reply = Reply::parse(bytes, kUs);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->kind, Kind::kOffer);
  EXPECT_TRUE(reply->for_us);
  EXPECT_EQ(reply->xid, 7u);
  EXPECT_EQ(reply->address, kOurs);
  EXPECT_EQ(reply->server, kServerAddress);
  EXPECT_EQ(reply->prefix, 24);
  EXPECT_EQ(reply->lease, 3600u);
  EXPECT_EQ(reply->renewal, 100u);
  EXPECT_EQ(reply->rebinding, 200u);
  EXPECT_EQ(reply->mtu, 1400);
  ASSERT_EQ(reply->routes.all().size(), 1u);
  EXPECT_EQ(reply->routes.all()[0], (Route{{{}, 0}, kServerAddress}));
  ASSERT_EQ(reply->name_servers.all().size(), 1u);
  EXPECT_EQ(text(reply->domain), "a.b");
}

TEST(Message, EveryTruncationIsRefusedOrReadWithoutHarm) {
  const auto bytes = Answer{}.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto reply = Reply::parse(Bytes(bytes).first(size), kUs);
    if (size < 240) {
      EXPECT_EQ(reply.error(), Malformed::kHeader) << size;
    }
  }
  EXPECT_EQ(Reply::parse(Bytes(bytes).first(bytes.size() - 2), kUs).error(), Malformed::kOptions);
}

TEST(Message, WhatIsNoReplyOfEthernetIsRefused) {
  for (const std::size_t at : {0u, 1u, 2u, 236u, 239u}) {
    auto bytes = Answer{}.bytes();
    bytes[at] ^= std::byte{1};
    EXPECT_EQ(Reply::parse(bytes, kUs).error(), Malformed::kHeader) << at;
  }
}

TEST(Message, ClasslessRoutesTakeThePlaceOfTheRouter) {
  const auto routes =
      octets({24, 192, 0, 2, 10, 0, 0, 3, 0, 10, 0, 0, 4, 32, 10, 9, 9, 9, 0, 0, 0, 0});
  const auto reply = Reply::parse(Answer{.more = {{121, routes}}}.bytes(), kUs);
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->routes.all().size(), 3u);
  EXPECT_EQ(reply->routes.all()[0],
            (Route{{Ipv4Address::of(192, 0, 2, 0), 24}, Ipv4Address::of(10, 0, 0, 3)}));
  EXPECT_EQ(reply->routes.all()[1], (Route{{{}, 0}, Ipv4Address::of(10, 0, 0, 4)}));
  EXPECT_EQ(reply->routes.all()[2], (Route{{Ipv4Address::of(10, 9, 9, 9), 32}, {}}));
}

TEST(Message, MalformedClasslessRoutesLeaveTheRouter) {
  for (const Octets& routes :
       {octets({33, 1, 2, 3, 4, 5, 10, 0, 0, 3}), octets({24, 192, 0, 2, 10, 0, 0}), octets({})}) {
    const auto reply = Reply::parse(Answer{.more = {{121, routes}}}.bytes(), kUs);
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->routes.all().size(), 1u);
    EXPECT_EQ(reply->routes.all()[0].gateway, kServerAddress);
  }
}

TEST(Message, OptionsInTheFieldsForNamesAreReadAndSplitOnesJoined) {
  auto bytes = Answer{.more = {{52, octets({3})}, {15, octets({'a'})}}}.bytes();
  Octets file, name;
  Answer::put(file, 15, octets({'b'}));
  file.push_back(std::byte{255});
  Answer::put(name, 15, octets({'c'}));
  name.push_back(std::byte{255});
  copy_bytes(MutableBytes(bytes).subspan(108), file);
  copy_bytes(MutableBytes(bytes).subspan(44), name);
  auto reply = Reply::parse(bytes, kUs);
  ASSERT_TRUE(reply);
  EXPECT_EQ(text(reply->domain), "abc");
  bytes[109] = std::byte{200};  // longer than its field
  EXPECT_EQ(Reply::parse(bytes, kUs).error(), Malformed::kOptions);
}

TEST(Message, ARepeatedClientIdentifierMustBeOurs) {
  EXPECT_TRUE(
      Reply::parse(Answer{.more = {{61, octets({1, 2, 0, 0, 0, 0, 1})}}}.bytes(), kUs)->for_us);
  EXPECT_FALSE(
      Reply::parse(Answer{.more = {{61, octets({1, 2, 0, 0, 0, 0, 2})}}}.bytes(), kUs)->for_us);
  EXPECT_FALSE(Reply::parse(Answer{.mac = {}}.bytes(), kUs)->for_us);
}

TEST(Message, AMaskWithHolesAndADomainWithControlCharactersCountAsNotSaid) {
  const auto reply = Reply::parse(
      Answer{.more = {{1, number(0xff00ff00)}, {15, octets({'a', '\n'})}}, .plain = false}.bytes(),
      kUs);
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->prefix);
  EXPECT_TRUE(reply->domain.all().empty());
  EXPECT_TRUE(reply->routes.all().empty());
}

TEST(Message, ARequestIsPaddedTo300BytesAndAsksForClasslessRoutesFirst) {
  std::array<std::byte, Request::kMax> out;
  const std::size_t size =
      Request{.kind = Kind::kDiscover, .xid = 9, .mac = kUs, .host_name = "unikernel"}.write(out);
  ASSERT_EQ(size, 300u);
  const std::string_view said = as_text(Bytes(out).first(size));
  EXPECT_NE(said.find("unikernel"), said.npos);
  EXPECT_NE(said.find(std::string_view("\x37\x0a\x01\x79\x03", 5)), said.npos);
}

TEST(Message, TheLongestRequestFits) {
  std::array<std::byte, Request::kMax> out;
  const std::string name(300, 'n');
  const std::size_t size = Request{.kind = Kind::kRequest,
                                   .wanted = kOurs,
                                   .server = kServerAddress,
                                   .mac = kUs,
                                   .host_name = name}
                               .write(out);
  EXPECT_EQ(out[size - 1], std::byte{255});
}

}  // namespace
}  // namespace fata::dhcp
