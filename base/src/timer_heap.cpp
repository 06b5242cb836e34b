#include "fata/base/timer_heap.hpp"

#include <algorithm>

namespace fata {

namespace {
constexpr std::uint32_t kWays = 4;
}

void Timer::disarm() {
  if (heap_ != nullptr) heap_->remove(place_);
}

TimerHeap::~TimerHeap() {
  for (const Entry& entry : heap_) entry.timer->heap_ = nullptr;
}

void TimerHeap::arm(Timer& timer, Instant deadline) {
  timer.disarm();
  timer.heap_ = this;
  timer.deadline_ = deadline;
  const auto place = static_cast<std::uint32_t>(heap_.size());
  heap_.push_back({deadline, &timer});
  sift_up(place, {deadline, &timer});
}

std::size_t TimerHeap::fire(Instant now, std::size_t limit) {
  std::size_t fired = 0;
  while (fired < limit && !heap_.empty() && heap_.front().deadline <= now) {
    Timer& timer = *heap_.front().timer;
    timer.disarm();
    timer.on_timer();
    ++fired;
  }
  return fired;
}

void TimerHeap::remove(std::uint32_t place) {
  heap_[place].timer->heap_ = nullptr;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  // The last entry fills the gap and sifts up or down as needed.
  const bool up = place != 0 && last.deadline < heap_[(place - 1) / kWays].deadline;
  up ? sift_up(place, last) : sift_down(place, last);
}

void TimerHeap::sift_up(std::uint32_t place, Entry entry) {
  while (place != 0) {
    const std::uint32_t parent = (place - 1) / kWays;
    if (heap_[parent].deadline <= entry.deadline) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, entry);
}

void TimerHeap::sift_down(std::uint32_t place, Entry entry) {
  const auto size = static_cast<std::uint32_t>(heap_.size());
  for (;;) {
    const std::uint32_t first = place * kWays + 1;
    if (first >= size) break;
    std::uint32_t least = first;
    for (std::uint32_t child = first + 1; child < std::min(first + kWays, size); ++child) {
      if (heap_[child].deadline < heap_[least].deadline) least = child;
    }
    if (entry.deadline <= heap_[least].deadline) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, entry);
}

}  // namespace fata
