#include "fata/async/task.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "fata/async/wait.hpp"
#include "fata/sim/platform.hpp"

namespace fata::async {
namespace {

Task<int> number(int n) { co_return n; }
Task<int> sum(int n) {
  int total = 0;
  for (int i = 0; i < n; ++i) total += co_await number(i % 2);
  co_return total;
}

TEST(Task, StartsOnlyWhenAwaited) {
  sim::Platform platform;
  {
    Task<int> unused = number(1);
  }
  EXPECT_EQ(platform.loop().frames().in_use(), 0U);
  EXPECT_EQ(platform.run([] { return sum(10); }), 5);
}

TEST(Task, ChainsOfAMillionNeedNoStack) {
  sim::Platform platform;
  EXPECT_EQ(platform.run([] { return sum(200'000); }), 100'000);
}

Task<std::unique_ptr<int>> box(int n) { co_return std::make_unique<int>(n); }
Task<int> unbox() { co_return *co_await box(7); }

TEST(Task, CarriesMoveOnlyValues) {
  sim::Platform platform;
  EXPECT_EQ(platform.run([] { return unbox(); }), 7);
}

struct Flag {
  bool* set;
  ~Flag() { *set = true; }
};
Task<void> hold(bool* ended) {
  Flag flag{ended};
  co_await sleep(seconds(100));
}
Task<void> abandon(bool* ended) {
  {
    Task<void> held = hold(ended);
    // `held` is started when `driven` awaits it; `driven` is then destroyed before it has finished.
    struct Start {
      Task<void>* task;
      static Task<void> drive(Task<void> inner) { co_await std::move(inner); }
    };
    Task<void> driven = Start::drive(std::move(held));
    auto awaiter = std::move(driven).operator co_await();
    awaiter.await_suspend(std::noop_coroutine()).resume();
    EXPECT_FALSE(*ended);
  }
  EXPECT_TRUE(*ended);
  co_return;
}

TEST(Task, DestroyedInTheMiddleOfAWaitLeavesNothingBehind) {
  sim::Platform platform;
  bool ended = false;
  platform.run([&] { return abandon(&ended); });
  EXPECT_EQ(platform.loop().timers().size(), 0U);
  EXPECT_EQ(platform.loop().frames().in_use(), 0U);
}

}  // namespace
}  // namespace fata::async
