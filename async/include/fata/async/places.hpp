// Places: so many may be at work at once; others stand in line, first come, first served.
#pragma once

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"

namespace fata::async {

class Places {
 public:
  explicit Places(std::size_t count) : free_(count) {}

  // Takes a place, which is given back by give_back(). On an error none was taken.
  Task<Result<void, Errc>> take(Wait wait = {});
  // Hands the place to who is next in line.
  void give_back() noexcept;
  // Of those that nobody has; there are none while somebody stands in line.
  std::size_t free() const { return free_; }

 private:
  // In the frame of who waits. A place that was given to a task which was destroyed meanwhile goes
  // on to the next.
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
