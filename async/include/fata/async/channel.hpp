// Channel<T>: a bounded queue between tasks of one loop.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"

namespace fata::async {

template <class T>
class Channel {
 public:
  // Holds at most `capacity` (at least 1) items; allocates them now.
  explicit Channel(std::size_t capacity) : items_(capacity) { check(capacity != 0, "a channel of no items"); }

  std::size_t size() const { return size_; }
  bool full() const { return size_ == items_.size(); }
  bool closed() const { return closed_; }

  // False if the channel is full or closed; the item is then still the caller's.
  bool try_send(T& item) {
    if (full() || closed_) return false;
    items_[(first_ + size_++) % items_.size()] = std::move(item);
    readers_.notify_one();
    return true;
  }
  std::optional<T> try_receive() {
    if (size_ == 0) return std::nullopt;
    std::optional<T> item = std::exchange(items_[first_], std::nullopt);
    first_ = (first_ + 1) % items_.size();
    --size_;
    writers_.notify_one();
    return item;
  }

  // Waits for room. On an error the item is dropped. kClosed once close() was called.
  Task<Result<void, Errc>> send(T item, Wait wait = {}) {
    while (!try_send(item)) {
      if (closed_) co_return fail(Errc::kClosed);
      const Result<void, Errc> woken = co_await writers_.wait(wait);
      if (!woken) co_return pass_on(writers_, !full(), woken.error());
    }
    co_return Result<void, Errc>{};
  }
  // Waits for an item. What was sent before close() is still received; then kClosed.
  Task<Result<T, Errc>> receive(Wait wait = {}) {
    for (;;) {
      if (std::optional<T> item = try_receive()) co_return std::move(*item);
      if (closed_) co_return fail(Errc::kClosed);
      const Result<void, Errc> woken = co_await readers_.wait(wait);
      if (!woken) co_return pass_on(readers_, size_ != 0, woken.error());
    }
  }

  void close() {
    closed_ = true;
    readers_.notify_all();
    writers_.notify_all();
  }

 private:
  // One who leaves by its deadline may have been next in line: whoever waits behind it must hear of what is there.
  static std::unexpected<Errc> pass_on(WaitQueue& queue, bool available, Errc why) {
    if (available) queue.notify_one();
    return fail(why);
  }

  std::vector<std::optional<T>> items_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  bool closed_ = false;
  WaitQueue readers_;
  WaitQueue writers_;
};

}  // namespace fata::async
