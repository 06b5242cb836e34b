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

TEST(Message, TimeServersAndTheHostNameAreRead) {
  const auto reply = Reply::parse(
      Answer{.more = {{42, octets({10, 0, 0, 7, 127, 0, 0, 1, 10, 0, 0, 8, 224, 0, 1, 1, 9})},
                      {12, octets({'h', '-', '1', 0})}}}
          .bytes(),
      kUs);
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->time_servers.all().size(), 2u);
  EXPECT_EQ(reply->time_servers.all()[0], Ipv4Address::of(10, 0, 0, 7));
  EXPECT_EQ(reply->time_servers.all()[1], Ipv4Address::of(10, 0, 0, 8));
  EXPECT_EQ(text(reply->host_name), "h-1");
  for (const Octets& name : {octets({'h', ' '}), Octets(64, std::byte{'h'}), octets({})})
    EXPECT_EQ(text(Reply::parse(Answer{.more = {{12, name}}}.bytes(), kUs)->host_name), "");
  Octets five;
  for (int i = 1; i <= 5; ++i) {
    const Octets each = octets({10, 0, 0, i});
    five.insert(five.end(), each.begin(), each.end());
  }
  EXPECT_EQ(Reply::parse(Answer{.more = {{42, five}}}.bytes(), kUs)->time_servers.all().size(), 4u);
}

Octets name_octets(std::string_view text) {
  Octets out;
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
  return out;
}

TEST(Message, TheSearchListIsReadUpToTheFirstMalformedName) {
  using namespace std::string_view_literals;
  const struct {
    std::string_view octets, expected;
  } cases[] = {
      // The example of RFC 3397: eng.apple.com, marketing.apple.com.
      {"\3eng\5apple\3com\0\11marketing\300\4"sv, "eng.apple.com marketing.apple.com"},
      {"\1a\0\1b\300\0\300\3"sv, "a b.a b.a"},
      {""sv, ""},
      {"\0"sv, ""},
      {"\1a\0\0\1b\0"sv, "a b"},
      {"\1a"sv, ""},
      {"\1a\0\5bc"sv, "a"},
      {"\300\0"sv, ""},             // points at itself
      {"\1a\300\0"sv, ""},          // a loop
      {"\1a\0\300\5\1b\0"sv, "a"},  // forward
      {"\1a\0\300"sv, "a"},
      {"\1a\0\101b"sv, "a"},    // 65: neither a length nor a pointer
      {"\1a\0\3b.c\0"sv, "a"},  // a dot in a label
      {"\1a\0\3b c\0\1d\0"sv, "a"},
  };
  for (const auto& each : cases) {
    const auto reply = Reply::parse(Answer{.more = {{119, name_octets(each.octets)}}}.bytes(), kUs);
    ASSERT_TRUE(reply);
    EXPECT_EQ(text(reply->search), each.expected) << each.octets;
  }
}

TEST(Message, TheSearchListIsBoundedInNamesAndInAll) {
  // Four labels of 63 octets are longer than a name may be; three fit, and no second one does.
  const std::string label = "\77" + std::string(63, 'n');
  const std::string three = label + label + label + std::string(1, '\0');
  const auto search = [](const std::string& octets) {
    Octets first = name_octets(std::string_view(octets).substr(0, 250));
    Octets rest =
        name_octets(std::string_view(octets).substr(std::min<std::size_t>(250, octets.size())));
    const auto reply = Reply::parse(Answer{.more = {{119, first}, {119, rest}}}.bytes(), kUs);
    return text(reply->search);
  };
  EXPECT_EQ(search(label + three), "");
  EXPECT_EQ(search(three).size(), 191u);
  EXPECT_EQ(search(three + three).size(), 191u);
  EXPECT_EQ(search(three + std::string("\2ab\0", 4)).size(), 194u);
}

TEST(Message, ARequestIsPaddedTo300BytesAndAsksForClasslessRoutesFirst) {
  std::array<std::byte, Request::kMax> out;
  const std::size_t size =
      Request{.kind = Kind::kDiscover, .xid = 9, .mac = kUs, .host_name = "unikernel"}.write(out);
  ASSERT_EQ(size, 300u);
  const std::string_view said = as_text(Bytes(out).first(size));
  EXPECT_NE(said.find("unikernel"), said.npos);
  EXPECT_NE(said.find(std::string_view("\x37\x0d\x01\x79\x03", 5)), said.npos);
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
