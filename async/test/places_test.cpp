#include "fata/async/places.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "fata/async/background.hpp"
#include "fata/async/scope.hpp"
#include "fata/sim/platform.hpp"

namespace fata::async {
namespace {

Task<void> work(Places* places, int number, std::vector<int>* order, Duration time) {
  EXPECT_TRUE(co_await places->take());
  order->push_back(number);
  co_await sleep(time);
  places->give_back();
}

Task<void> in_turn() {
  Places places(2);
  std::vector<int> order;
  Scope scope;
  for (int i = 0; i < 6; ++i) scope.spawn(work(&places, i, &order, milliseconds(10)));
  co_await sleep(milliseconds(5));
  EXPECT_EQ(order, (std::vector{0, 1}));
  co_await sleep(milliseconds(10));
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3}));
  co_await scope.join();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(places.free(), 2U);
}
TEST(Places, ServeThoseWhoStandInLineInTurn) {
  sim::Platform platform;
  platform.run(in_turn);
}

// Repeatedly acquires a unit, releases it, and at once acquires one again. Even so, a later waiter
// must not starve.
Task<void> greedy(Places* places, bool* stop) {
  while (!*stop) {
    EXPECT_TRUE(co_await places->take());
    co_await sleep(milliseconds(1));
    places->give_back();
  }
}
Task<void> no_barging() {
  Places places(1);
  bool stop = false;
  Scope scope;
  scope.spawn(greedy(&places, &stop));
  scope.spawn(greedy(&places, &stop));
  co_await sleep(milliseconds(5));
  EXPECT_TRUE(co_await places.take(Wait::at_most(milliseconds(3))));
  stop = true;
  places.give_back();
  co_await scope.join();
}
TEST(Places, AreNotTakenByWhoComesLater) {
  sim::Platform platform;
  platform.run(no_barging);
}

Task<void> give_up() {
  Places places(1);
  EXPECT_TRUE(co_await places.take());
  const auto late = co_await places.take(Wait::at_most(milliseconds(1)));
  EXPECT_TRUE(!late && late.error() == Errc::kTimedOut);
  CancelSource source;
  source.cancel();
  const auto cancelled = co_await places.take(Wait::cancelled_by(source.token()));
  EXPECT_TRUE(!cancelled && cancelled.error() == Errc::kCancelled);
  places.give_back();
  EXPECT_EQ(places.free(), 1U);
}
TEST(Places, LoseNothingToThoseWhoGiveUp) {
  sim::Platform platform;
  platform.run(give_up);
}

// A task is destroyed after it is granted a unit but before it resumes. Its unit becomes free
// again.
Task<void> die() {
  Places places(1);
  EXPECT_TRUE(co_await places.take());
  std::vector<int> order;
  {
    const Background dying(work(&places, 1, &order, {}));
    co_await sleep(milliseconds(1));
    places.give_back();
  }
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(places.free(), 1U);
}
TEST(Places, SurviveTasksThatAreDestroyed) {
  sim::Platform platform;
  platform.run(die);
}

}  // namespace
}  // namespace fata::async
