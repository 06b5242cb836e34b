// Any sequence of states of a backend, and of reports of a driver, in any order. Whatever happens,
// a device that was given up stays so, resets are bounded, rings are published only for a backend
// that waits, and a device that is not given up connects to the next honest backend.
#include "fata/xen/xenbus_engine.hpp"

#include <cstdint>

#include "input.hpp"

using namespace fata;
using fuzz::require;
using xen::BusState;
using xen::XenbusEngine;
using State = XenbusEngine::State;
using Next = XenbusEngine::Next;

namespace {

void check_step(const XenbusEngine::Step& step, State before, State after, BusState seen) {
  const bool parted = before == State::kParted || before == State::kReopening;
  if (step.next == Next::kJoin) require(parted && seen == BusState::kInitWait);
  if (step.next == Next::kOffer) require(before == State::kJoining && seen == BusState::kInitWait);
  if (step.next == Next::kFinish)
    require(before == State::kOffered && seen == BusState::kConnected);
  if (step.leave) {
    require(before == State::kConnected || before == State::kOffered);
    require(after == State::kParted && step.next == Next::kWait);
  }
  if (step.write == BusState::kClosed)
    require(seen == BusState::kClosing ||
            (seen == BusState::kConnected && before == State::kParted));
  if (step.write == BusState::kInitialising) require(seen == BusState::kClosed);
  if (step.write)
    require(*step.write == BusState::kClosed || *step.write == BusState::kInitialising);
}

void report(XenbusEngine& engine, std::uint32_t which) {
  switch (which) {
    case 0:
      return engine.join();
    case 1:
      return engine.offered();
    case 2:
      return engine.connected();
    case 3:
      return engine.part();
    case 4:
      return engine.lose();
    case 5:
      return engine.closed();
    case 6:
      return engine.resumed();
    default:
      return engine.broke();
  }
}

void connect_to_an_honest_backend(XenbusEngine& engine) {
  engine.resumed();
  engine.join();
  require(engine.backend(BusState::kInitialising).next == Next::kWait);
  require(engine.backend(BusState::kInitWait).next == Next::kOffer);
  engine.offered();
  require(engine.backend(BusState::kConnected).next == Next::kFinish);
  engine.connected();
  require(engine.state() == State::kConnected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in({data, size});
  const unsigned max_resets = in.byte() % 4;
  XenbusEngine engine({.reopens_closed = (in.byte() & 1) != 0, .max_resets = max_resets});
  unsigned broken = 0;
  while (!in.empty()) {
    const std::uint32_t what = in.byte();
    const State before = engine.state();
    if (what < 128) {
      const auto seen = static_cast<BusState>(what % 9);
      const XenbusEngine::Step step = engine.backend(seen, what < 120);
      if (what < 120) check_step(step, before, engine.state(), seen);
    } else {
      report(engine, what % 8);
      if (engine.state() == State::kBroken && what % 8 == 7) require(++broken <= max_resets);
    }
    if (before == State::kGivenUp) require(engine.is_given_up());
    require(engine.is_joining() ==
            (engine.state() == State::kJoining || engine.state() == State::kOffered));
  }
  if (!engine.is_given_up()) connect_to_an_honest_backend(engine);
  return 0;
}
