// A thread that does a disk's operations one after the other, where io_uring is not permitted.
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
#include "fata/host/block_file.hpp"
#include "fata/host/sandbox.hpp"

namespace fata::host {

class BlockThread {
 public:
  static constexpr std::size_t kMost = 64;  // operations that are under way

  struct Work {
    std::size_t slot = 0;
    BlockCall call = BlockCall::kRead;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::byte* memory = nullptr;
  };
  struct Ended {
    std::size_t slot = 0;
    int outcome =
        0;  // as io_uring has it: what the call returned, or its error as a negative number
  };

  // Both descriptors outlive the thread; `ended` is an eventfd, which counts up when something has.
  static Result<std::unique_ptr<BlockThread>> start(int file, int ended);
  ~BlockThread();  // after all that was added has ended

  // At most kMost are under way.
  void add(const Work& work);
  std::size_t take_ended(std::span<Ended> into);
  void wait();  // until something has ended that was not taken

  static SandboxNeeds needs();

 private:
  BlockThread(int file, int ended) : file_(file), ended_(ended) {}
  static void* enter(void* self);
  void run();
  int perform(const Work& work) const;

  // A queue of at most kMost.
  template <class T>
  struct Queue {
    void push(const T& item) { items[(first + count++) % kMost] = item; }
    T pop() {
      const T item = items[first];
      first = (first + 1) % kMost;
      --count;
      return item;
    }
    std::array<T, kMost> items{};
    std::size_t first = 0, count = 0;
  };

  const int file_, ended_;
  pthread_t thread_{};
  std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  Queue<Work> waiting_;
  Queue<Ended> done_;
  bool started_ = false;
  bool stop_ = false;
};

}  // namespace fata::host
