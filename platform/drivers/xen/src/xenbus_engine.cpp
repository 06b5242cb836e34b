#include "fata/xen/xenbus_engine.hpp"

#include <utility>

namespace fata::xen {

XenbusEngine::Step XenbusEngine::backend(BusState seen, bool exists) {
  const bool closes = seen == BusState::kClosing || seen == BusState::kClosed;
  switch (state_) {
    case State::kJoining:
      return {.next = seen == BusState::kInitWait ? Next::kOffer : Next::kWait};
    case State::kOffered:
      if (closes) {
        state_ = State::kParted;
        return {.leave = true, .over = true};
      }
      return {.next = seen == BusState::kConnected ? Next::kFinish : Next::kWait};
    case State::kConnected:
      // A backend that waits meanwhile was restarted, and uses the rings as they are.
      if (!closes && exists) return {};
      state_ = State::kParted;
      {
        Step step = parted(seen, true);
        step.leave = true;
        return step;
      }
    case State::kParted:
    case State::kReopening:
      return parted(seen, closes || !exists);
    case State::kBroken:
    case State::kLost:
    case State::kGivenUp:
      break;
  }
  return {};
}

XenbusEngine::Step XenbusEngine::parted(BusState seen, bool over) {
  Step step{.over = over};
  if (seen == BusState::kInitWait && !over) step.next = Next::kJoin;
  if (seen == BusState::kClosing) step.write = BusState::kClosed;
  // The backend uses rings whose grants ended when it was too slow to connect.
  if (seen == BusState::kConnected && !over && state_ == State::kParted) {
    state_ = State::kReopening;
    step.write = BusState::kClosed;
  }
  if (seen == BusState::kClosed && (rules_.reopens_closed || state_ == State::kReopening)) {
    state_ = State::kParted;
    step.write = BusState::kInitialising;
  }
  return step;
}

void XenbusEngine::join() {
  if (state_ == State::kParted || state_ == State::kReopening || state_ == State::kLost)
    state_ = State::kJoining;
}
void XenbusEngine::offered() {
  if (state_ == State::kJoining) state_ = State::kOffered;
}
void XenbusEngine::connected() {
  if (state_ == State::kOffered) state_ = State::kConnected;
}
void XenbusEngine::part() {
  if (is_joining() || state_ == State::kConnected) state_ = State::kParted;
}
void XenbusEngine::lose() {
  if (state_ == State::kParted) state_ = State::kLost;
}
void XenbusEngine::broke() {
  if (is_lost() || is_given_up()) return;
  state_ = resets_ == rules_.max_resets ? State::kGivenUp : State::kBroken;
  if (state_ == State::kBroken) ++resets_;
}
void XenbusEngine::closed() {
  if (state_ == State::kBroken) state_ = State::kReopening;
}
void XenbusEngine::resumed() {
  if (!is_given_up()) state_ = State::kLost;
}
bool XenbusEngine::give_up() { return std::exchange(state_, State::kGivenUp) != State::kGivenUp; }

}  // namespace fata::xen
