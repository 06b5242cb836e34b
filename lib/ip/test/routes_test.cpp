// The IPv4 routing table and the list of IPv6 routers.
#include "fata/ip/ipv6/routers.hpp"
#include "recorder.hpp"

namespace fata::ip {
namespace {

TEST(Routes, TheLongestPrefixWinsAndTheTableIsBounded) {
  using ipv4::Route;
  ipv4::Routes routes;
  EXPECT_TRUE(routes.add({{{}, 0}, v4_address(254)}));
  EXPECT_TRUE(routes.add({{v4_address(9), 24}, {}, 1}));
  EXPECT_TRUE(routes.add({{Ipv4Address::of(10, 0, 0, 128), 25}, v4_address(2)}));
  EXPECT_EQ(routes.find(v4_address(200))->gateway, v4_address(2));
  EXPECT_EQ(routes.find(v4_address(20))->interface, 1);
  EXPECT_EQ(routes.find({0xc0000201})->gateway, v4_address(254));
  EXPECT_TRUE(routes.add({{{}, 0}, v4_address(253)})) << "the same route anew";
  EXPECT_EQ(routes.all().size(), 3u);
  EXPECT_EQ(routes.find({0xc0000201})->gateway, v4_address(253));
  EXPECT_TRUE(routes.add({{{}, 0}, v4_address(252), 0, Route::Origin::kDhcp}));
  EXPECT_TRUE(routes.remove({{}, 0}, 0, Route::Origin::kStatic));
  EXPECT_FALSE(routes.remove({{}, 0}, 0, Route::Origin::kStatic));
  EXPECT_EQ(routes.find({0xc0000201})->gateway, v4_address(252));
  std::uint32_t added = 0;
  while (routes.add({{{0x14000000 + added * 256}, 24}, v4_address(1)})) ++added;
  EXPECT_EQ(routes.all().size(), ipv4::Routes::kMax);
}

// A link-local address is unique on its link only (RFC 4291 section 2.5.6).
TEST(Ipv6Routers, TwoOfOneAddressOnTwoLinksAreTriedInTurn) {
  const IpAddress address = IpAddress::of(0xfe80, 0, 0, 0, 0, 0, 0, 1);
  const Instant now{1'000'000'000};
  ipv6::Routers routers;
  for (const std::uint8_t interface : {std::uint8_t{0}, std::uint8_t{1}})
    routers.advertised({.address = address, .interface = interface, .until = now + seconds(600)},
                       now);
  const IpAddress far = IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
  const auto used = [&] { return routers.find(far, now)->interface; };
  EXPECT_EQ(used(), 0);
  routers.silent(address, 0, true);
  EXPECT_EQ(used(), 1);
  routers.silent(address, 1, true);
  EXPECT_EQ(used(), 0) << "the one that was silent first is tried again";
  routers.silent(address, 0, true);
  EXPECT_EQ(used(), 1);
}

}  // namespace
}  // namespace fata::ip
