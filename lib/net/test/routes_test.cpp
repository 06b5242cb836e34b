// The IPv4 routing table.
#include "frames.hpp"

namespace fata::net {
namespace {

TEST(Routes, TheLongestPrefixWinsAndTheTableIsBounded) {
  using ipv4::Route;
  ipv4::Routes routes;
  EXPECT_TRUE(routes.add({{{}, 0}, ip(254)}));
  EXPECT_TRUE(routes.add({{ip(9), 24}, {}, 1}));
  EXPECT_TRUE(routes.add({{Ipv4Address::of(10, 0, 0, 128), 25}, ip(2)}));
  EXPECT_EQ(routes.find(ip(200))->gateway, ip(2));
  EXPECT_EQ(routes.find(ip(20))->interface, 1);
  EXPECT_EQ(routes.find({0xc0000201})->gateway, ip(254));
  EXPECT_TRUE(routes.add({{{}, 0}, ip(253)})) << "the same route anew";
  EXPECT_EQ(routes.all().size(), 3u);
  EXPECT_EQ(routes.find({0xc0000201})->gateway, ip(253));
  EXPECT_TRUE(routes.add({{{}, 0}, ip(252), 0, Route::Origin::kDhcp}));
  EXPECT_TRUE(routes.remove({{}, 0}, 0, Route::Origin::kStatic));
  EXPECT_FALSE(routes.remove({{}, 0}, 0, Route::Origin::kStatic));
  EXPECT_EQ(routes.find({0xc0000201})->gateway, ip(252));
  std::uint32_t added = 0;
  while (routes.add({{{0x14000000 + added * 256}, 24}, ip(1)})) ++added;
  EXPECT_EQ(routes.all().size(), ipv4::Routes::kMost);
}

}  // namespace
}  // namespace fata::net
