#include <gtest/gtest.h>

#include "fata/sig/archetype.hpp"
#include "fata/stack/more_cards.hpp"
#include "fata/stack/stack.hpp"

// The driver may use only what the concept guarantees.
template class fata::stack::Stack<fata::sig::archetype::NetDevice, fata::sig::archetype::Random>;
template class fata::stack::Ipv4Stack<fata::sig::archetype::NetDevice,
                                      fata::sig::archetype::Random>;

using SmallStack = fata::stack::Ipv4Stack<fata::sig::archetype::NetDevice>;
template class fata::stack::WithCard<fata::sig::archetype::NetDevice, SmallStack>;
template class fata::stack::WithCard<fata::sig::archetype::NetDevice,
                                     fata::stack::Stack<fata::sig::archetype::NetDevice>>;
template class fata::stack::WithRoutes<SmallStack>;

namespace fata::stack {
namespace {

static_assert(sig::Udp<Stack<sig::archetype::NetDevice>>);
static_assert(sig::Udp<Ipv4Stack<sig::archetype::NetDevice>>);

TEST(SocketErrors, HaveTexts) {
  Text<100> text(std::in_place, Error(net::SocketErrc::kPortInUse, 53));
  EXPECT_EQ(text.view(), "udp: the port is in use (53)");
}

TEST(Ipv6Setup, IsAutoNoneOrAnAddress) {
  net::ipv6::Setup setup;
  EXPECT_TRUE(parse_parameter("none", setup) && setup.mode == net::ipv6::Setup::Mode::kNone);
  EXPECT_TRUE(parse_parameter("auto", setup) && setup.mode == net::ipv6::Setup::Mode::kAuto);
  EXPECT_TRUE(parse_parameter("2001:db8::2/64", setup) &&
              setup.mode == net::ipv6::Setup::Mode::kStatic);
  for (const auto* wrong :
       {"", "yes", "2001:db8::2", "::/64", "ff02::1/64", "2001:db8::2/0", "10.0.0.1/24"}) {
    EXPECT_FALSE(parse_parameter(wrong, setup)) << wrong;
  }
  net::ipv6::Gateway gateway;
  EXPECT_TRUE(parse_parameter("none", gateway) && gateway.address.is_any());
  EXPECT_TRUE(parse_parameter("fe80::1", gateway) && !gateway.address.is_any());
  for (const auto* wrong : {"", "::", "ff02::1", "10.0.0.1"})
    EXPECT_FALSE(parse_parameter(wrong, gateway)) << wrong;
}

}  // namespace
}  // namespace fata::stack
