#include "fata/dhcp/driver.hpp"

#include <gtest/gtest.h>

#include "fata/dhcp/dynamic_address.hpp"
#include "fata/sig/archetype.hpp"
#include "fata/stack/net_interface.hpp"
#include "fata/stack/stack.hpp"
#include "fata/stack/udp.hpp"
#include "server.hpp"

namespace fata::dhcp {

// The device of a plan uses nothing of a stack but its port.
using Port = sig::archetype::StackPort<ip::Host, stack::SocketDriver, stack::Part>;
using Interface = stack::NetInterface<stack::Stack, sig::archetype::NetDevice>;
using FirstAddress =
    DynamicAddress<Port, stack::UdpOn<Port>, stack::Ipv4<Port>, Interface, sig::archetype::Random>;
template class DynamicAddress<Port, stack::UdpOn<Port>, stack::Ipv4<Port>, Interface,
                              sig::archetype::Random>;
template class DynamicAddress<Port, stack::UdpOn<Port>, stack::Ipv4<Port>, Interface,
                              sig::archetype::Random, FirstAddress>;

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
