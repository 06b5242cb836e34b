// A thread that performs a disk's operations one at a time, where io_uring is not permitted.
#pragma once

#include <pthread.h>

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "fata/base/result.hpp"
#include "fata/linux/block_file.hpp"
#include "fata/linux/sandbox.hpp"

namespace fata::linux {

class BlockThread {
 public:
  static constexpr std::size_t kMax = 64;  // operations in flight

  struct Work {
    std::size_t slot = 0;
    BlockCall call = BlockCall::kRead;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::byte* memory = nullptr;
  };
  struct Ended {
    std::size_t slot = 0;
    // As in io_uring: the call's result, or its error as a negative number.
    int outcome = 0;
  };

  // Both descriptors must outlive the thread. `ended` is an eventfd that every completion
  // increments.
  static Result<std::unique_ptr<BlockThread>> start(int file, int ended);
  // All added work must have ended.
  ~BlockThread();

  // At most kMax operations may be in flight.
  void add(const Work& work);
  std::size_t take_ended(std::span<Ended> into);
  void wait();  // blocks until take_ended() has something to return

  static SandboxNeeds needs();

 private:
  BlockThread(int file, int ended) : file_(file), ended_(ended) {}
  static void* enter(void* self);
  void run();
  int perform(const Work& work) const;

  // A queue of at most kMax items.
  template <class T>
  struct Queue {
    void push(const T& item) { items[(first + count++) % kMax] = item; }
    T pop() {
      const T item = items[first];
      first = (first + 1) % kMax;
      --count;
      return item;
    }
    std::array<T, kMax> items{};
    std::size_t first = 0, count = 0;
  };

  const int file_, ended_;
  pthread_t thread_{};
  std::mutex mutex_;  // guards all members below
  std::condition_variable changed_;
  Queue<Work> waiting_;
  Queue<Ended> done_;
  bool started_ = false;
  bool stop_ = false;
};

}  // namespace fata::linux
