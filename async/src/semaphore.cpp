#include "fata/async/semaphore.hpp"

namespace fata::async {

Task<Result<void, Errc>> Semaphore::acquire(Wait wait) {
  if (free_ != 0) {
    --free_;
    co_return Result<void, Errc>{};
  }
  Ticket ticket(this);
  line_.push_back(ticket);
  const Result<void, Errc> woken = co_await ticket.called.wait(wait);
  if (!woken) co_return woken;
  ticket.granted = false;  // the caller holds the unit now
  co_return woken;
}

void Semaphore::release() noexcept {
  if (line_.empty()) {
    ++free_;
    return;
  }
  Ticket& next = line_.pop_front();
  next.granted = true;
  next.called.notify_one();
}

}  // namespace fata::async
