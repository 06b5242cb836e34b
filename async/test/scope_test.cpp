#include "fata/async/scope.hpp"

#include <gtest/gtest.h>

#include "fata/sim/platform.hpp"

namespace fata::async {
namespace {

Task<void> count_down(CancelToken token, int* running) {
  ++*running;
  (void)co_await sleep(seconds(10), token);
  --*running;
}

Task<void> stop_ends_all() {
  int running = 0;
  Scope scope;
  for (int i = 0; i < 5; ++i) scope.spawn(count_down(scope.token(), &running));
  co_await sleep(seconds(1));
  EXPECT_EQ(running, 5);
  co_await scope.stop();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(current_loop().now(), Instant{} + seconds(1));
}
TEST(Scope, StopCancelsItsTasksAndWaitsForThem) {
  sim::Platform platform;
  platform.run([] { return stop_ends_all(); });
  EXPECT_EQ(platform.loop().frames().in_use(), 0U);
}

Task<void> bounded() {
  int running = 0;
  Scope scope;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(co_await scope.below(3));
    scope.spawn(count_down(scope.token(), &running));
    EXPECT_LE(scope.running(), 3U);
  }
  co_await scope.join();
  EXPECT_EQ(current_loop().now(), Instant{} + seconds(40));
}
TEST(Scope, BoundsHowManyRunAtOnce) {
  sim::Platform platform;
  platform.run([] { return bounded(); });
}

Task<void> parent_cancel() {
  int running = 0;
  CancelSource parent;
  Scope scope(parent.token());
  scope.spawn(count_down(scope.token(), &running));
  co_await yield();
  co_await yield();
  parent.cancel();
  co_await scope.join();
  EXPECT_EQ(current_loop().now(), Instant{});
}
TEST(Scope, HearsOfItsParentsCancellation) {
  sim::Platform platform;
  platform.run([] { return parent_cancel(); });
}

}  // namespace
}  // namespace fata::async
