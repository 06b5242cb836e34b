#include <gtest/gtest.h>

#include <optional>

#include "fata/sim/platform.hpp"
#include "fata/stack/families.hpp"
#include "fata/stack/ping.hpp"
#include "fata/stack/stack.hpp"
#include "fata/stack/tcp.hpp"
#include "fata/stack/udp.hpp"

namespace fata::stack {
namespace {

// A part may flush the stack in its destructor, after parts that were attached later have ended.
async::Task<void> end_in_any_order() {
  async::Context context{async::current_loop(), {}};
  for (unsigned order = 0; order < 6; ++order) {
    Stack stack(context, SipKey{1, 2});
    Ipv4 v4(stack);
    Ipv6 v6(stack);
    std::optional<UdpOn<Stack>> udp;
    std::optional<TcpOn<Stack>> tcp;
    std::optional<Ping<Stack>> ping;
    udp.emplace(stack), tcp.emplace(stack), ping.emplace(stack);
    for (const unsigned which :
         {order / 2, (order / 2 + 1 + order % 2) % 3, (order / 2 + 2 - order % 2) % 3}) {
      if (which == 0) udp.reset();
      if (which == 1) tcp.reset();
      if (which == 2) ping.reset();
      stack.flush();
      stack.resume();
      EXPECT_EQ(stack.host().count("segments_received"), 0U);
    }
    tcp.emplace(stack);  // and there is room for another one
    stack.flush();
  }
  co_return;
}
TEST(Stack, GoesOnWithoutPartsThatHaveEnded) {
  sim::Platform platform;
  platform.run(end_in_any_order);
}

}  // namespace
}  // namespace fata::stack
