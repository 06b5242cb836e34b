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
  // Allocates room for `capacity` items (at least 1).
  explicit Channel(std::size_t capacity) : items_(capacity) {
    check(capacity != 0, "a channel of no items");
  }

  std::size_t size() const { return size_; }
  bool full() const { return size_ == items_.size(); }
  bool closed() const { return closed_; }

  // Returns false if the channel is full or closed; the caller then keeps the item.
  bool try_send(T& item) {
    if (full() || closed_) return false;
    items_[(first_ + size_++) % items_.size()] = std::move(item);
    call_next(readers_);
    return true;
  }
  std::optional<T> try_receive() {
    if (size_ == 0) return std::nullopt;
    std::optional<T> item = std::exchange(items_[first_], std::nullopt);
    first_ = (first_ + 1) % items_.size();
    --size_;
    call_next(writers_);
    return item;
  }

  // Waits for room. On an error, the item is dropped. Fails with kClosed after close().
  Task<Result<void, Errc>> send(T item, Wait wait = {}) {
    while (!try_send(item)) {
      if (closed_) co_return fail(Errc::kClosed);
      InLine place(*this, writers_);
      const Result<void, Errc> woken = co_await place.wait(wait);
      place.unlink();
      if (!woken) co_return fail(woken.error());
    }
    co_return Result<void, Errc>{};
  }
  // Waits for an item. After close(), returns the items sent before it, then fails with kClosed.
  Task<Result<T, Errc>> receive(Wait wait = {}) {
    for (;;) {
      if (std::optional<T> item = try_receive()) co_return std::move(*item);
      if (closed_) co_return fail(Errc::kClosed);
      InLine place(*this, readers_);
      const Result<void, Errc> woken = co_await place.wait(wait);
      place.unlink();
      if (!woken) co_return fail(woken.error());
    }
  }

  void close() {
    closed_ = true;
    while (call_next(readers_)) {
    }
    while (call_next(writers_)) {
    }
  }

 private:
  // An entry in the frame of a waiting task. Each item, and each free slot, wakes one entry
  // (`call`). If the woken task is destroyed before it runs, the wake-up passes to the next entry.
  class InLine : public ListNode<InLine> {
   public:
    InLine(Channel& channel, List<InLine>& line) : channel_(&channel), line_(&line) {
      line.push_back(*this);
    }
    ~InLine() {
      // If the entry is unlinked, the channel is gone or the task ran.
      const bool in_vain = called_ && this->linked();
      this->unlink();
      if (in_vain) channel_->call_next(*line_);
    }
    Waiter wait(Wait wait) { return queue_.wait(wait); }
    void call(List<InLine>& called) {
      called_ = true;
      called.push_back(*this);
      queue_.notify_one();
    }

   private:
    Channel* channel_;
    List<InLine>* line_;
    WaitQueue queue_;
    bool called_ = false;
  };
  bool call_next(List<InLine>& line) {
    if (line.empty()) return false;
    line.pop_front().call(called_);
    return true;
  }

  std::vector<std::optional<T>> items_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  bool closed_ = false;
  List<InLine> readers_, writers_;  // waiting, not woken yet
  List<InLine> called_;             // woken, not run yet
};

}  // namespace fata::async
