#include "fata/stack/routes.hpp"

#include <gtest/gtest.h>

#include "fata/base/text.hpp"
#include "fata/stack/vlan.hpp"

namespace fata::stack {
namespace {

TEST(StaticRoute, IsANetworkAGatewayAndPerhapsANic) {
  StaticRoute route;
  EXPECT_TRUE(parse_parameter("10.9.0.0/16 via 10.0.3.2", route));
  EXPECT_EQ(route.network, IpAddress(Ipv4Address::of(10, 9, 0, 0)));
  EXPECT_EQ(route.prefix, 16);
  EXPECT_EQ(route.gateway, IpAddress(Ipv4Address::of(10, 0, 3, 2)));
  EXPECT_FALSE(route.nic);
  EXPECT_TRUE(parse_parameter("0.0.0.0/0 via 10.0.3.2", route));
  EXPECT_TRUE(parse_parameter("::/0  via fe80::1 on 1", route));
  EXPECT_EQ(route.gateway, IpAddress::of(0xfe80, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_EQ(route.nic, 1);
}

TEST(StaticRoute, WithoutAGatewayIsOnTheLinkOfANic) {
  StaticRoute route;
  EXPECT_TRUE(parse_parameter("192.168.5.0/24 on 0", route));
  EXPECT_TRUE(route.gateway.is_any() && route.gateway.is_v4());
  EXPECT_EQ(route.nic, 0);
  EXPECT_TRUE(parse_parameter("2001:db8:5::/48 on 1", route));
  EXPECT_TRUE(route.gateway.is_any() && !route.gateway.is_v4());
}

TEST(Vlan, IsNoneOrANumberThat8021QHasForOne) {
  Vlan vlan;
  for (const auto& [text, id] : {std::pair("none", 0), {"1", 1}, {"42", 42}, {"4094", 4094}}) {
    EXPECT_TRUE(parse_parameter(text, vlan)) << text;
    EXPECT_EQ(vlan.id, id);
  }
  for (const auto* wrong : {"", "0", "4095", "-1", "65578", "4 2", "x", "0x10", "None"})
    EXPECT_FALSE(parse_parameter(wrong, vlan)) << wrong;
}

TEST(StaticRoute, IsNothingElse) {
  for (const auto* wrong :
       {"", "10.9.0.0/16", "10.9.0.0/16 10.0.3.2", "10.9.0.0/16 via", "10.9.0.0 via 10.0.3.2",
        "10.9.0.0/33 via 10.0.3.2", "10.9.0.0/16 via 10.0.3.2 on", "10.9.0.0/16 via 10.0.3.2 on 8",
        "10.9.0.0/16 via 10.0.3.2 on 1 2", "10.9.0.0/16 via 10.0.3.2 at 1",
        "10.9.0.0/16 via fe80::1", "::/0 via 10.0.3.2", "10.9.0.0/16 via 0.0.0.0",
        "10.9.0.0/16 via 224.0.0.1", "10.9.0.0/16 via 127.0.0.1", "::/0 via ::"}) {
    StaticRoute route;
    EXPECT_FALSE(parse_parameter(wrong, route)) << wrong;
  }
}

TEST(StaticRoute, SaysWhatIsWrongWithOne) {
  EXPECT_EQ(
      Text<200>(std::in_place, Error(RouteErrc::kNoWay, 2)).view(),
      "route: no NIC's network has the gateway; name the NIC: NETWORK via GATEWAY on CARD (2)");
}

}  // namespace
}  // namespace fata::stack
