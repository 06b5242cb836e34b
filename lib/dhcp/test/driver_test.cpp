#include "fata/dhcp/stack.hpp"

#include <gtest/gtest.h>

#include "server.hpp"

namespace fata::dhcp {
namespace {

TEST(Ipv4Setup, IsDhcpOrAnAddress) {
  dhcp::Setup setup;
  EXPECT_TRUE(parse_parameter("dhcp", setup));
  EXPECT_TRUE(setup.dhcp);
  EXPECT_TRUE(parse_parameter("10.0.0.15/24", setup));
  EXPECT_FALSE(setup.dhcp);
  EXPECT_EQ(setup.address, (Ipv4Cidr{kOurs, 24}));
  EXPECT_FALSE(parse_parameter("DHCP", setup));
  EXPECT_FALSE(parse_parameter("10.0.0.15", setup));
  EXPECT_EQ(parameter_expects(setup),
            "dhcp, or an IPv4 address and prefix length such as 10.0.0.2/24");
}

}  // namespace
}  // namespace fata::dhcp
