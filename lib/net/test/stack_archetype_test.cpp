#include <gtest/gtest.h>

#include "fata/net/stack.hpp"
#include "fata/sig/archetype.hpp"

// The driver's body asks for nothing that the concept does not promise.
template class fata::net::Stack<fata::sig::archetype::NetDevice>;

namespace fata::net {
namespace {

static_assert(sig::Udp<Stack<sig::archetype::NetDevice>>);

TEST(SocketErrors, HaveTexts) {
  Text<100> text(std::in_place, Error(SocketErrc::kPortInUse, 53));
  EXPECT_EQ(text.view(), "udp: the port is in use (53)");
}

}  // namespace
}  // namespace fata::net
