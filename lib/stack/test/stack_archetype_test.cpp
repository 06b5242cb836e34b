#include <gtest/gtest.h>

#include "fata/ip/ipv6/setup.hpp"
#include "fata/sig/archetype.hpp"
#include "fata/stack/addresses.hpp"
#include "fata/stack/families.hpp"
#include "fata/stack/names.hpp"
#include "fata/stack/net_interface.hpp"
#include "fata/stack/netstat.hpp"
#include "fata/stack/ping.hpp"
#include "fata/stack/routes.hpp"
#include "fata/stack/tcp.hpp"
#include "fata/stack/udp.hpp"

namespace fata::stack {

// What attaches to a stack may use only what the concept guarantees.
using Port = sig::archetype::StackPort<ip::Host, SocketDriver, Part>;
static_assert(sig::StackPort<Port>);
using LinkPort = sig::archetype::LinkPort<ip::Host, SocketDriver, Part, ip::Interface,
                                          ip::LinkConfig, ip::PacketSink>;
static_assert(sig::LinkPort<LinkPort>);
using SomeInterface = NetInterface<LinkPort, sig::archetype::NetDevice>;
template class NetInterface<LinkPort, sig::archetype::NetDevice>;
template class Reporter<Port, UdpOn<Port>, sig::archetype::ReportRequests, sig::archetype::Console>;
template class Ipv4<Port>;
template class Ipv6<Port>;
template class UdpOn<Port>;
template class TcpOn<Port>;
template class Ping<Port>;
template class Names<Port>;
template class Names<Port, Ipv6<Port>>;
template class Address<Port, Ipv4<Port>, SomeInterface>;
template Address<Port, Ipv4<Port>, SomeInterface>::Address(Port&, Ipv4<Port>&, SomeInterface&,
                                                           const Ipv4Cidr&, const Ipv4Address&);
template class Routes<Port, Ipv4<Port>>;
template class Routes<Port, Ipv6<Port>>;
template class Routes<Port, Ipv4<Port>, Ipv6<Port>>;

namespace {

TEST(SocketErrors, HaveTexts) {
  Text<100> text(std::in_place, Error(udp::SocketErrc::kPortInUse, 53));
  EXPECT_EQ(text.view(), "udp: the port is in use (53)");
}

TEST(Ipv6Setup, IsAutoNoneOrAnAddress) {
  ip::ipv6::Setup setup;
  EXPECT_TRUE(parse_parameter("none", setup) && setup.mode == ip::ipv6::Setup::Mode::kNone);
  EXPECT_TRUE(parse_parameter("auto", setup) && setup.mode == ip::ipv6::Setup::Mode::kAuto);
  EXPECT_TRUE(parse_parameter("2001:db8::2/64", setup) &&
              setup.mode == ip::ipv6::Setup::Mode::kStatic);
  for (const auto* wrong :
       {"", "yes", "2001:db8::2", "::/64", "ff02::1/64", "2001:db8::2/0", "10.0.0.1/24"}) {
    EXPECT_FALSE(parse_parameter(wrong, setup)) << wrong;
  }
  ip::ipv6::Gateway gateway;
  EXPECT_TRUE(parse_parameter("none", gateway) && gateway.address.is_any());
  EXPECT_TRUE(parse_parameter("fe80::1", gateway) && !gateway.address.is_any());
  for (const auto* wrong : {"", "::", "ff02::1", "10.0.0.1"})
    EXPECT_FALSE(parse_parameter(wrong, gateway)) << wrong;
}

}  // namespace
}  // namespace fata::stack
