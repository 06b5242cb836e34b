#include "fata/base/address.hpp"

#include <gtest/gtest.h>

namespace fata {
namespace {

template <class T>
std::string text(const T& value) {
  Text<64> out(std::in_place, value);
  return std::string(out.view());
}

TEST(Ipv4Address, ParsesDottedQuadsOnly) {
  EXPECT_EQ(Ipv4Address::parse("192.0.2.1"), Ipv4Address::of(192, 0, 2, 1));
  for (const char* wrong :
       {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "a.b.c.d", "1..2.3"}) {
    EXPECT_FALSE(Ipv4Address::parse(wrong)) << wrong;
  }
}

TEST(Ipv4Cidr, KnowsItsNetwork) {
  const auto cidr = Ipv4Cidr::parse("10.0.2.15/24");
  ASSERT_TRUE(cidr);
  EXPECT_TRUE(cidr->contains(Ipv4Address::of(10, 0, 2, 200)));
  EXPECT_FALSE(cidr->contains(Ipv4Address::of(10, 0, 3, 1)));
  EXPECT_EQ(text(cidr->broadcast()), "10.0.2.255");
  EXPECT_EQ(text(*cidr), "10.0.2.15/24");
  EXPECT_TRUE(Ipv4Cidr::parse("0.0.0.0/0")->contains(Ipv4Address::of(8, 8, 8, 8)));
  for (const char* wrong : {"10.0.0.1", "10.0.0.1/33", "10.0.0.1/", "/8"})
    EXPECT_FALSE(Ipv4Cidr::parse(wrong)) << wrong;
}

IpAddress v6(std::initializer_list<std::uint16_t> groups) {
  std::array<std::byte, 16> octets{};
  std::size_t at = 0;
  for (const std::uint16_t g : groups) store_be(MutableBytes(octets).subspan(at), g), at += 2;
  return IpAddress(octets);
}

TEST(IpAddress, IsWrittenAsRfc5952Recommends) {
  EXPECT_EQ(text(v6({0x2001, 0xdb8, 0, 0, 1, 0, 0, 1})), "2001:db8::1:0:0:1");
  EXPECT_EQ(text(v6({0x2001, 0xdb8, 0, 1, 1, 1, 1, 1})), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(text(v6({0, 0, 0, 0, 0, 0, 0, 1})), "::1");
  EXPECT_EQ(text(v6({1, 0, 0, 0, 0, 0, 0, 0})), "1::");
  EXPECT_EQ(text(IpAddress()), "::");
  EXPECT_EQ(text(IpAddress(Ipv4Address::of(127, 0, 0, 1))), "127.0.0.1");
  EXPECT_EQ(text(Endpoint{v6({0xfe80, 0, 0, 0, 0, 0, 0, 1}), 53}), "[fe80::1]:53");
}

TEST(IpAddress, TellsTheFamiliesApart) {
  EXPECT_TRUE(IpAddress(Ipv4Address{}).is_any());
  EXPECT_TRUE(IpAddress().is_any());
  EXPECT_FALSE(IpAddress().is_v4());
  EXPECT_EQ(IpAddress(Ipv4Address{5}).v4().value, 5U);
}

TEST(MacAddress, IsWrittenInHex) {
  EXPECT_EQ(text(MacAddress::broadcast()), "ff:ff:ff:ff:ff:ff");
  EXPECT_TRUE(MacAddress::broadcast().is_multicast());
}

TEST(Ipv6Address, TextIsReadAndWrittenInItsShortestForm) {
  struct Case {
    std::string_view text, shortest;
  };
  for (const Case& each : {Case{"::", "::"},
                           {"::1", "::1"},
                           {"1::", "1::"},
                           {"2001:db8::1", "2001:db8::1"},
                           {"2001:0DB8:0:0:0:0:0:0001", "2001:db8::1"},
                           {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
                           {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
                           {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
                           {"1:0:0:2::3", "1:0:0:2::3"},
                           {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
                           {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
                           {"fe80::ABCD", "fe80::abcd"}}) {
    const auto address = IpAddress::parse_v6(each.text);
    ASSERT_TRUE(address) << each.text;
    EXPECT_EQ(Text<64>(std::in_place, *address).view(), each.shortest) << each.text;
  }
}

TEST(Ipv6Address, AnyOtherTextIsRefused) {
  for (const std::string_view wrong : {"",
                                       ":",
                                       ":::",
                                       "1",
                                       "1:2:3:4:5:6:7",
                                       "1:2:3:4:5:6:7:8:9",
                                       "1::2::3",
                                       "1:2:3:4:5:6:7:8::",
                                       "::1:2:3:4:5:6:7:8",
                                       "12345::",
                                       "g::",
                                       "1:2:3:4:5:6:7:",
                                       ":1:2:3:4:5:6:7:8",
                                       "fe80::1%eth0",
                                       "1.2.3.4",
                                       "::1.2.3",
                                       "1.2.3.4::",
                                       "1:2:3:4:5:6:7:1.2.3.4",
                                       "::ffff:192.0.2.1",
                                       "::1 ",
                                       " ::1",
                                       "1: ::2"}) {
    EXPECT_FALSE(IpAddress::parse_v6(wrong)) << wrong;
  }
}

TEST(Ipv6Cidr, HoldsTheAddressesOfItsPrefix) {
  const auto cidr = Ipv6Cidr::parse("2001:db8:1:2::7/63");
  ASSERT_TRUE(cidr);
  EXPECT_EQ(cidr->prefix, 63);
  EXPECT_TRUE(cidr->contains(*IpAddress::parse_v6("2001:db8:1:3::")));
  EXPECT_FALSE(cidr->contains(*IpAddress::parse_v6("2001:db8:1:4::")));
  EXPECT_EQ(Text<64>(std::in_place, *cidr).view(), "2001:db8:1:2::7/63");
  for (const std::string_view wrong :
       {"2001:db8::", "2001:db8::/", "2001:db8::/129", "/64", "::/x"}) {
    EXPECT_FALSE(Ipv6Cidr::parse(wrong)) << wrong;
  }
  EXPECT_EQ(
      IpAddress::of(1, 2, 3, 4, 5, 6, 7, 8).common_bits(IpAddress::of(1, 2, 3, 4, 5, 6, 7, 8)),
      128u);
  EXPECT_EQ(
      IpAddress::of(1, 2, 3, 4, 5, 6, 7, 8).common_bits(IpAddress::of(1, 2, 3, 4, 5, 6, 7, 9)),
      127u);
  EXPECT_EQ(IpAddress::of(0x8000, 0, 0, 0, 0, 0, 0, 0).common_bits({}), 0u);
}

TEST(IpAddress, KnowsWhatKindOfAddressItIs) {
  EXPECT_TRUE(IpAddress::of(0xff02, 0, 0, 0, 0, 0, 0, 1).is_multicast());
  EXPECT_TRUE(IpAddress(Ipv4Address::of(224, 0, 0, 1)).is_multicast());
  EXPECT_FALSE(IpAddress(Ipv4Address::of(192, 0, 2, 1)).is_multicast());
  EXPECT_TRUE(IpAddress::of(0, 0, 0, 0, 0, 0, 0, 1).is_loopback());
  EXPECT_TRUE(IpAddress(Ipv4Address::of(127, 0, 0, 1)).is_loopback());
  EXPECT_FALSE(IpAddress().is_loopback());
  EXPECT_TRUE(IpAddress::of(0xfebf, 0, 0, 0, 0, 0, 0, 1).is_link_local());
  EXPECT_FALSE(IpAddress::of(0xfec0, 0, 0, 0, 0, 0, 0, 1).is_link_local());
}

TEST(Ipv6Address, AZoneIsReadWrittenAndCompared) {
  for (const std::string_view zoned : {"fe80::1%0", "fe80::1%2", "fe80::1%65534", "ff02::fb%1"}) {
    const auto address = IpAddress::parse(zoned);
    ASSERT_TRUE(address) << zoned;
    EXPECT_EQ(Text<64>(std::in_place, *address).view(), zoned);
    EXPECT_FALSE(address->without_scope().scope());
    EXPECT_NE(*address, address->without_scope());
    EXPECT_EQ(address->without_scope().with_scope(*address->scope()), *address);
  }
  EXPECT_EQ(IpAddress::parse("fe80::1%2")->scope(), 2);
  EXPECT_NE(IpAddress::parse("fe80::1%2"), IpAddress::parse("fe80::1%3"));
  EXPECT_EQ(Text<64>(std::in_place, Endpoint{*IpAddress::parse("fe80::1%2"), 53}).view(),
            "[fe80::1%2]:53");
  // The last one has bits that would look like a zone.
  for (const std::string_view wrong :
       {"fe80::1%", "fe80::1%65535", "fe80::1%-1", "fe80::1%1%1", "2001:db8::1%1", "ff05::1%1",
        "192.0.2.1%1", "::1%1", "%1", "fe80:0:1:fffe::1"}) {
    EXPECT_FALSE(IpAddress::parse(wrong)) << wrong;
  }
  const IpAddress global = IpAddress::of(0x2001, 0xdb8, 1, 0xfffe, 0, 0, 0, 1);
  EXPECT_EQ(global.with_scope(3), global);
  EXPECT_EQ(global.without_scope(), global);
}

}  // namespace
}  // namespace fata
