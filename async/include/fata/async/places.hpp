// `Places`: a fair counting semaphore. Waiters are served in FIFO order.
#pragma once

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"

namespace fata::async {

class Places {
 public:
  explicit Places(std::size_t count) : free_(count) {}

  // Acquires a unit, to be released by give_back(). On an error, no unit is held.
  Task<Result<void, Errc>> take(Wait wait = {});
  // Releases a unit, handing it to the first waiter, if any.
  void give_back() noexcept;
  // Units available; 0 while a task waits.
  std::size_t free() const { return free_; }

 private:
  // Lives in the frame of the waiting task. If a task is destroyed after it is granted a unit but
  // before it resumes, the unit passes to the next waiter, if any.
  struct Ticket : ListNode<Ticket> {
    explicit Ticket(Places* of) : places(of) {}
    ~Ticket() {
      if (granted) places->give_back();
    }
    Places* places;
    WaitQueue called;
    bool granted = false;
  };

  std::size_t free_;
  List<Ticket> line_;
};

}  // namespace fata::async
