#include "fata/async/semaphore.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "fata/async/background.hpp"
#include "fata/async/scope.hpp"
#include "fata/sim/platform.hpp"

namespace fata::async {
namespace {

Task<void> work(Semaphore* semaphore, int number, std::vector<int>* order, Duration time) {
  EXPECT_TRUE(co_await semaphore->acquire());
  order->push_back(number);
  co_await sleep(time);
  semaphore->release();
}

Task<void> in_turn() {
  Semaphore semaphore(2);
  std::vector<int> order;
  Scope scope;
  for (int i = 0; i < 6; ++i) scope.spawn(work(&semaphore, i, &order, milliseconds(10)));
  co_await sleep(milliseconds(5));
  EXPECT_EQ(order, (std::vector{0, 1}));
  co_await sleep(milliseconds(10));
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3}));
  co_await scope.join();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(semaphore.free(), 2U);
}
TEST(Semaphore, ServesWaitersInTurn) {
  sim::Platform platform;
  platform.run(in_turn);
}

// Repeatedly acquires a unit, releases it, and at once acquires one again. Even so, a later waiter
// must not starve.
Task<void> greedy(Semaphore* semaphore, bool* stop) {
  while (!*stop) {
    EXPECT_TRUE(co_await semaphore->acquire());
    co_await sleep(milliseconds(1));
    semaphore->release();
  }
}
Task<void> no_barging() {
  Semaphore semaphore(1);
  bool stop = false;
  Scope scope;
  scope.spawn(greedy(&semaphore, &stop));
  scope.spawn(greedy(&semaphore, &stop));
  co_await sleep(milliseconds(5));
  EXPECT_TRUE(co_await semaphore.acquire(Wait::at_most(milliseconds(3))));
  stop = true;
  semaphore.release();
  co_await scope.join();
}
TEST(Semaphore, IsNotTakenByLatecomers) {
  sim::Platform platform;
  platform.run(no_barging);
}

Task<void> give_up() {
  Semaphore semaphore(1);
  EXPECT_TRUE(co_await semaphore.acquire());
  const auto late = co_await semaphore.acquire(Wait::at_most(milliseconds(1)));
  EXPECT_TRUE(!late && late.error() == Errc::kTimedOut);
  CancelSource source;
  source.cancel();
  const auto cancelled = co_await semaphore.acquire(Wait::cancelled_by(source.token()));
  EXPECT_TRUE(!cancelled && cancelled.error() == Errc::kCancelled);
  semaphore.release();
  EXPECT_EQ(semaphore.free(), 1U);
}
TEST(Semaphore, LosesNoUnitToWaitersThatGiveUp) {
  sim::Platform platform;
  platform.run(give_up);
}

// A task is destroyed after it is granted a unit but before it resumes. Its unit becomes free
// again.
Task<void> die() {
  Semaphore semaphore(1);
  EXPECT_TRUE(co_await semaphore.acquire());
  std::vector<int> order;
  {
    const Background dying(work(&semaphore, 1, &order, {}));
    co_await sleep(milliseconds(1));
    semaphore.release();
  }
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(semaphore.free(), 1U);
}
TEST(Semaphore, SurvivesDestroyedTasks) {
  sim::Platform platform;
  platform.run(die);
}

}  // namespace
}  // namespace fata::async
