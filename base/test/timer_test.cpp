#include "fata/base/timer_heap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

namespace fata {
namespace {

struct Note final : Timer {
  std::vector<Note*>* fired = nullptr;
  void on_timer() noexcept override { fired->push_back(this); }
};

TEST(TimerHeap, FiresInOrderOfDeadlineWhateverIsDisarmed) {
  std::mt19937 random(7);
  TimerHeap heap;
  std::vector<Note*> fired;
  std::vector<std::unique_ptr<Note>> timers;
  for (int i = 0; i < 2000; ++i) {
    timers.push_back(std::make_unique<Note>());
    timers.back()->fired = &fired;
    heap.arm(*timers.back(), Instant{static_cast<std::int64_t>(random() % 500)});
  }
  for (int i = 0; i < 500; ++i) {
    const auto victim = static_cast<std::ptrdiff_t>(random() % timers.size());
    if (i % 2 == 0) {
      timers.erase(timers.begin() + victim);
    } else {
      heap.arm(*timers[static_cast<std::size_t>(victim)],
               Instant{static_cast<std::int64_t>(random() % 500)});
    }
  }
  EXPECT_EQ(heap.size(), timers.size());
  EXPECT_EQ(heap.fire(Instant{249}, SIZE_MAX), static_cast<std::size_t>(std::ranges::count_if(
                                                   timers, [](auto& t) { return !t->armed(); })));
  EXPECT_GE(heap.next().ns, 250);
  heap.fire(Instant{500}, SIZE_MAX);
  EXPECT_EQ(fired.size(), timers.size());
  EXPECT_TRUE(std::ranges::is_sorted(fired, {}, [](Note* n) { return n->deadline(); }));
}

TEST(TimerHeap, HoldsAMillionTimers) {
  constexpr std::size_t kCount = 1'000'000;
  std::mt19937 random(3);
  TimerHeap heap;
  std::vector<Note*> fired;
  fired.reserve(kCount);
  const auto timers = std::make_unique<Note[]>(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    timers[i].fired = &fired;
    heap.arm(timers[i], Instant{static_cast<std::int64_t>(random())});
  }
  for (std::size_t i = 0; i < kCount; i += 2) timers[i].disarm();
  EXPECT_EQ(heap.fire(Instant::never(), SIZE_MAX), kCount / 2);
  EXPECT_TRUE(std::ranges::is_sorted(fired, {}, [](Note* n) { return n->deadline(); }));
}

TEST(TimerHeap, FiresNoMoreThanItsLimit) {
  TimerHeap heap;
  std::vector<Note*> fired;
  std::array<Note, 3> timers;
  for (Note& t : timers) t.fired = &fired, heap.arm(t, Instant{1});
  EXPECT_EQ(heap.fire(Instant{1}, 2), 2U);
  EXPECT_EQ(heap.size(), 1U);
}

}  // namespace
}  // namespace fata
