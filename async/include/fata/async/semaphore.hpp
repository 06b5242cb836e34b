// `Semaphore`: a fair counting semaphore. Waiters are served in FIFO order.
#pragma once

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"

namespace fata::async {

class Semaphore {
 public:
  // Releases an acquired unit at the end of its scope.
  class Hold {
   public:
    explicit Hold(Semaphore& semaphore) : semaphore_(&semaphore) {}
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() { semaphore_->release(); }

   private:
    Semaphore* semaphore_;
  };

  explicit Semaphore(std::size_t count) : free_(count) {}

  // Acquires a unit, to be released by release(). On an error, no unit is held.
  Task<Result<void, Errc>> acquire(Wait wait = {});
  // Releases a unit, handing it to the first waiter, if any.
  void release() noexcept;
  // Units available; 0 while a task waits.
  std::size_t free() const { return free_; }

 private:
  // Lives in the frame of the waiting task. If a task is destroyed after it is granted a unit but
  // before it resumes, the unit passes to the next waiter, if any.
  struct Ticket : ListNode<Ticket> {
    explicit Ticket(Semaphore* of) : semaphore(of) {}
    ~Ticket() {
      if (granted) semaphore->release();
    }
    Semaphore* semaphore;
    WaitQueue called;
    bool granted = false;
  };

  std::size_t free_;
  List<Ticket> line_;
};

}  // namespace fata::async
