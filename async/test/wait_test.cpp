#include "fata/async/wait.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "fata/async/scope.hpp"
#include "fata/sim/platform.hpp"

namespace fata::async {
namespace {

Task<void> sleeps() {
  const Instant start = current_loop().now();
  EXPECT_TRUE(co_await sleep(seconds(3)));
  EXPECT_EQ(current_loop().now() - start, seconds(3));
}
TEST(Sleep, EndsWhenItsTimeHasCome) {
  sim::Platform platform;
  platform.run([] { return sleeps(); });
}

// Models a protocol timer that sends: the device queues the data at once and writes it when polled.
struct Sender final : Timer {
  bool* staged = nullptr;
  void on_timer() noexcept override { *staged = true; }
};
Task<void> sends_by_timer(bool* staged) {
  Sender sender;
  sender.staged = staged;
  current_loop().timers().arm(sender, Instant{} + milliseconds(40));
  co_await sleep(seconds(1));
}
TEST(Loop, WhatATimerGivesToADeviceGoesOutBeforeTheLoopSleeps) {
  sim::Platform platform;
  bool staged = false;
  Instant out = Instant::never();
  platform.poll = [&] {
    if (!std::exchange(staged, false)) return false;
    out = platform.now();
    return true;
  };
  platform.run([&] { return sends_by_timer(&staged); });
  EXPECT_EQ(out, Instant{} + milliseconds(40));
}

Task<void> cancels_after(CancelSource* source, Duration delay) {
  co_await sleep(delay);
  source->cancel();
}
Task<void> cancelled_sleep() {
  CancelSource source;
  Scope scope;
  scope.spawn(cancels_after(&source, seconds(1)));
  EXPECT_EQ((co_await sleep(seconds(9), source.token())).error(), Errc::kCancelled);
  EXPECT_EQ(current_loop().now(), Instant{} + seconds(1));
  EXPECT_EQ((co_await sleep(seconds(9), source.token())).error(), Errc::kCancelled)
      << "cancelling is final";
  co_await scope.join();
}
TEST(Sleep, IsEndedByItsToken) {
  sim::Platform platform;
  platform.run([] { return cancelled_sleep(); });
}

Task<void> waits_in_line(WaitQueue* queue, std::vector<int>* order, int me) {
  EXPECT_TRUE(co_await queue->wait());
  order->push_back(me);
}
Task<void> served_in_order() {
  WaitQueue queue;
  std::vector<int> order;
  Scope scope;
  for (int i = 0; i < 3; ++i) scope.spawn(waits_in_line(&queue, &order, i));
  co_await sleep(seconds(1));
  EXPECT_TRUE(queue.notify_one());
  co_await yield();
  EXPECT_EQ(order, std::vector<int>{0});
  queue.notify_all();
  EXPECT_FALSE(queue.notify_one());
  co_await scope.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}
TEST(WaitQueue, ServesFirstComeFirst) {
  sim::Platform platform;
  platform.run([] { return served_in_order(); });
}

Task<void> deadline_wins() {
  WaitQueue queue;
  EXPECT_EQ((co_await queue.wait(Wait::at_most(seconds(2)))).error(), Errc::kTimedOut);
  EXPECT_TRUE(queue.empty()) << "a wait that timed out left its queue";
  EXPECT_EQ((co_await queue.wait(Wait::until(current_loop().now()))).error(), Errc::kTimedOut);
  EXPECT_EQ(current_loop().timers().size(), 0U);
}
TEST(WaitQueue, GivesUpAtTheDeadline) {
  sim::Platform platform;
  platform.run([] { return deadline_wins(); });
}

Task<void> notified_disarms() {
  WaitQueue queue;
  CancelSource source;
  Scope scope;
  std::vector<int> order;
  struct Local {
    static Task<void> wait(WaitQueue* queue, CancelToken token) {
      EXPECT_TRUE(co_await queue->wait(Wait::at_most(seconds(5), token)));
    }
  };
  scope.spawn(Local::wait(&queue, source.token()));
  co_await yield();
  co_await yield();
  queue.notify_one();
  source.cancel();  // too late: the wait has already ended
  EXPECT_EQ(current_loop().timers().size(), 0U);
  co_await scope.join();
}
TEST(WaitQueue, ANotifiedWaitIsDeafToItsTokenAndTimer) {
  sim::Platform platform;
  platform.run([] { return notified_disarms(); });
}

Task<void> deadline_source() {
  CancelSource parent;
  DeadlineSource limited(parent.token(), current_loop().now() + seconds(1));
  EXPECT_EQ((co_await sleep(seconds(5), limited.token())).error(), Errc::kCancelled);
  EXPECT_TRUE(limited.expired());
  EXPECT_FALSE(parent.cancelled()) << "a child's deadline does not touch its parent";
  DeadlineSource child(parent.token(), Instant::never());
  parent.cancel();
  EXPECT_TRUE(child.token().cancelled());
  EXPECT_FALSE(child.expired());
  CancelSource late(parent.token());
  EXPECT_TRUE(late.cancelled());
}
TEST(CancelSource, IsCancelledByDeadlineAndByParent) {
  sim::Platform platform;
  platform.run([] { return deadline_source(); });
}

}  // namespace
}  // namespace fata::async
