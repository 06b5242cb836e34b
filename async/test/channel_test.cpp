#include "fata/async/channel.hpp"

#include <gtest/gtest.h>

#include "fata/async/scope.hpp"
#include "fata/sim/platform.hpp"

namespace fata::async {
namespace {

Task<void> produce(Channel<int>* channel, int count) {
  for (int i = 0; i < count; ++i) EXPECT_TRUE(co_await channel->send(i));
  channel->close();
}
Task<void> hands_over_in_order() {
  Channel<int> channel(3);
  Scope scope;
  scope.spawn(produce(&channel, 1000));
  int expected = 0;
  for (;;) {
    const Result<int, Errc> item = co_await channel.receive();
    if (!item) {
      EXPECT_EQ(item.error(), Errc::kClosed);
      break;
    }
    EXPECT_EQ(*item, expected++);
    EXPECT_LE(channel.size(), 3U);
  }
  EXPECT_EQ(expected, 1000);
  co_await scope.join();
}
TEST(Channel, HandsOverEverythingInOrderThenSaysClosed) {
  sim::Platform platform;
  platform.run([] { return hands_over_in_order(); });
}

Task<void> full_and_empty() {
  Channel<int> channel(1);
  int item = 1;
  EXPECT_TRUE(channel.try_send(item));
  EXPECT_FALSE(channel.try_send(item));
  EXPECT_EQ((co_await channel.send(2, Wait::at_most(seconds(1)))).error(), Errc::kTimedOut);
  EXPECT_EQ(channel.try_receive(), 1);
  EXPECT_EQ(channel.try_receive(), std::nullopt);
  EXPECT_EQ((co_await channel.receive(Wait::at_most(seconds(1)))).error(), Errc::kTimedOut);
  channel.close();
  EXPECT_EQ((co_await channel.send(3)).error(), Errc::kClosed);
}
TEST(Channel, WaitsNoLongerThanTold) {
  sim::Platform platform;
  platform.run([] { return full_and_empty(); });
}

}  // namespace
}  // namespace fata::async
