#include "fata/async/channel.hpp"

#include <gtest/gtest.h>

#include "fata/async/background.hpp"
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

Task<void> take_one(Channel<int>* channel, int* taken) {
  const Result<int, Errc> item = co_await channel->receive();
  if (item) *taken = *item;
}
Task<void> put_one(Channel<int>* channel, int item, bool* put) {
  *put = (co_await channel->send(item)).has_value();
}
// The first waiter is woken but destroyed before it can run, so the wake-up must pass to the next
// waiter.
Task<void> called_in_vain() {
  Channel<int> channel(1);
  int none = 0, taken = 0, item = 7;
  std::optional<Background> first(std::in_place, take_one(&channel, &none));
  co_await yield();
  const Background second(take_one(&channel, &taken));
  co_await yield();
  EXPECT_TRUE(channel.try_send(item));
  first.reset();
  co_await sleep(milliseconds(1));
  EXPECT_EQ(none, 0);
  EXPECT_EQ(taken, 7);

  EXPECT_TRUE(channel.try_send(item));
  bool never = false, put = false;
  first.emplace(put_one(&channel, 8, &never));
  co_await yield();
  const Background fourth(put_one(&channel, 9, &put));
  co_await yield();
  EXPECT_EQ(channel.try_receive(), 7);
  first.reset();
  co_await sleep(milliseconds(1));
  EXPECT_FALSE(never);
  EXPECT_TRUE(put);
  EXPECT_EQ(channel.try_receive(), 9);
}
TEST(Channel, ACallToATaskThatIsDestroyedGoesOnToTheNext) {
  sim::Platform platform;
  platform.run([] { return called_in_vain(); });
}

Task<void> channel_dies_first() {
  int taken = 0;
  std::optional<Channel<int>> channel(std::in_place, 1);
  const Background reader(take_one(&*channel, &taken));
  co_await yield();
  int item = 7;
  EXPECT_TRUE(channel->try_send(item));
  channel.reset();
  co_return;  // the reader has been woken but is destroyed only after its channel
}
TEST(Channel, MayDieBeforeWhoWaitsForIt) {
  sim::Platform platform;
  platform.run([] { return channel_dies_first(); });
}

}  // namespace
}  // namespace fata::async
