#include "fata/xen/xenbus_engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace fata::xen {
namespace {

using State = XenbusEngine::State;
using Next = XenbusEngine::Next;
using Rules = XenbusEngine::Rules;

constexpr State kStates[]{State::kParted,    State::kReopening, State::kJoining, State::kOffered,
                          State::kConnected, State::kBroken,    State::kLost,    State::kGivenUp};
constexpr Rules kNic{.max_resets = 2}, kDisk{.reopens_closed = true};

// Brings an engine into a state by the shortest way.
XenbusEngine at(State state, Rules rules = kNic) {
  XenbusEngine engine(rules);
  switch (state) {
    case State::kParted:
      break;
    case State::kConnected:
    case State::kOffered:
    case State::kJoining:
      engine.join();
      if (state != State::kJoining) engine.offered();
      if (state == State::kConnected) engine.connected();
      break;
    case State::kBroken:
    case State::kReopening:
      engine.broke();
      if (state == State::kReopening) engine.closed();
      break;
    case State::kLost:
      engine.resumed();
      break;
    case State::kGivenUp:
      engine.give_up();
      break;
  }
  EXPECT_EQ(engine.state(), state);
  return engine;
}

TEST(XenbusEngine, ConnectsStepByStep) {
  XenbusEngine engine(kNic);
  EXPECT_EQ(engine.backend(BusState::kInitialising).next, Next::kWait);
  EXPECT_EQ(engine.backend(BusState::kInitWait).next, Next::kJoin);
  engine.join();
  EXPECT_EQ(engine.backend(BusState::kInitWait).next, Next::kOffer);
  engine.offered();
  EXPECT_EQ(engine.backend(BusState::kInitWait).next, Next::kWait);
  EXPECT_EQ(engine.backend(BusState::kInitialised).next, Next::kWait);
  EXPECT_EQ(engine.backend(BusState::kConnected).next, Next::kFinish);
  EXPECT_TRUE(engine.is_joining());
  engine.connected();
  EXPECT_EQ(engine.state(), State::kConnected);
}

struct Change {
  const char* what;
  State state;
  Rules rules;
  std::optional<BusState> seen;  // nothing: the node is missing
  State then;
  Next next = Next::kWait;
  bool leave = false;
  std::optional<BusState> write = std::nullopt;
};

constexpr Change kChanges[]{
    {"a restarted backend uses the rings as they are", State::kConnected, kNic, BusState::kInitWait,
     State::kConnected},
    {"xenstore could not answer", State::kConnected, kNic, BusState::kUnknown, State::kConnected},
    {"xenstore could not answer a parted NIC", State::kParted, kNic, BusState::kUnknown,
     State::kParted},
    {"the backend closes", State::kConnected, kNic, BusState::kClosing, State::kParted, Next::kWait,
     true, BusState::kClosed},
    {"the backend of a disk closes", State::kConnected, kDisk, BusState::kClosing, State::kParted,
     Next::kWait, true, BusState::kClosed},
    {"the backend closed", State::kConnected, kNic, BusState::kClosed, State::kParted, Next::kWait,
     true},
    {"the backend of a disk closed, and is asked to begin again", State::kConnected, kDisk,
     BusState::kClosed, State::kParted, Next::kWait, true, BusState::kInitialising},
    {"the backend is gone", State::kConnected, kNic, std::nullopt, State::kParted, Next::kWait,
     true},
    {"the backend of a parted NIC closed", State::kParted, kNic, BusState::kClosed, State::kParted},
    {"the backend of a parted disk closed", State::kParted, kDisk, BusState::kClosed,
     State::kParted, Next::kWait, false, BusState::kInitialising},
    {"a parted backend closes", State::kParted, kNic, BusState::kClosing, State::kParted,
     Next::kWait, false, BusState::kClosed},
    {"a parted backend is gone", State::kParted, kNic, std::nullopt, State::kParted},
    {"a new backend waits", State::kParted, kNic, BusState::kInitWait, State::kParted, Next::kJoin},
    {"a backend was too slow, and connected to rings that ended", State::kParted, kNic,
     BusState::kConnected, State::kReopening, Next::kWait, false, BusState::kClosed},
    {"a backend has yet to see that our side closed", State::kReopening, kNic, BusState::kConnected,
     State::kReopening},
    {"both closed after a reset", State::kReopening, kNic, BusState::kClosed, State::kParted,
     Next::kWait, false, BusState::kInitialising},
    {"the backend closes after a reset", State::kReopening, kNic, BusState::kClosing,
     State::kReopening, Next::kWait, false, BusState::kClosed},
    {"the backend waits after a reset", State::kReopening, kNic, BusState::kInitWait,
     State::kReopening, Next::kJoin},
    {"the backend closes before it is connected", State::kOffered, kNic, BusState::kClosing,
     State::kParted, Next::kWait, true},
    {"the backend closed before it was connected", State::kOffered, kDisk, BusState::kClosed,
     State::kParted, Next::kWait, true},
    {"a backend of before is still closed", State::kJoining, kNic, BusState::kClosed,
     State::kJoining},
    {"a broken connection, until our side is closed", State::kBroken, kNic, BusState::kClosing,
     State::kBroken},
    {"another host's backend", State::kLost, kNic, BusState::kInitWait, State::kLost},
    {"a device that was given up", State::kGivenUp, kDisk, BusState::kInitWait, State::kGivenUp},
};

TEST(XenbusEngine, AnswersEachChangeOfTheBackend) {
  for (const Change& change : kChanges) {
    XenbusEngine engine = at(change.state, change.rules);
    const XenbusEngine::Step step =
        engine.backend(change.seen.value_or(BusState::kUnknown), change.seen.has_value());
    EXPECT_EQ(engine.state(), change.then) << change.what;
    EXPECT_EQ(step.next, change.next) << change.what;
    EXPECT_EQ(step.leave, change.leave) << change.what;
    EXPECT_EQ(step.write, change.write) << change.what;
  }
}

// The domain resumes while the driver waits for xenstore: what the driver reports then is outdated.
TEST(XenbusEngine, IgnoresReportsThatCameTooLate) {
  struct Verb {
    void (XenbusEngine::*call)();
    State then;
    std::vector<State> from;
  };
  using Engine = XenbusEngine;
  const Verb verbs[]{
      {&Engine::join, State::kJoining, {State::kParted, State::kReopening, State::kLost}},
      {&Engine::offered, State::kOffered, {State::kJoining}},
      {&Engine::connected, State::kConnected, {State::kOffered}},
      {&Engine::part, State::kParted, {State::kJoining, State::kOffered, State::kConnected}},
      {&Engine::lose, State::kLost, {State::kParted}},
      {&Engine::closed, State::kReopening, {State::kBroken}},
  };
  for (const Verb& verb : verbs) {
    for (const State state : kStates) {
      XenbusEngine engine = at(state);
      (engine.*verb.call)();
      const bool acts = std::ranges::find(verb.from, state) != verb.from.end();
      EXPECT_EQ(engine.state(), acts ? verb.then : state)
          << &verb - verbs << " in " << static_cast<int>(state);
    }
  }
  for (const State state : kStates) {
    XenbusEngine engine = at(state);
    engine.resumed();
    EXPECT_EQ(engine.state(), state == State::kGivenUp ? State::kGivenUp : State::kLost);
    EXPECT_EQ(engine.give_up(), state != State::kGivenUp);
    EXPECT_FALSE(engine.give_up());
  }
}

TEST(XenbusEngine, GivesUpAfterTooManyBrokenConnections) {
  XenbusEngine nic = at(State::kConnected);
  for (unsigned i = 0; i < kNic.max_resets; ++i) {
    nic.broke();
    ASSERT_EQ(nic.state(), State::kBroken);
    nic.closed();
    EXPECT_EQ(nic.backend(BusState::kClosed).write, BusState::kInitialising);
    nic.join();
    nic.offered();
    nic.connected();
  }
  nic.broke();
  EXPECT_TRUE(nic.is_given_up());
  XenbusEngine disk = at(State::kConnected, kDisk);
  disk.broke();
  EXPECT_TRUE(disk.is_given_up());
}

// The backend's half (xen/io/xenbus.h), and the driver around the engine, step by step.
struct Pair {
  explicit Pair(Rules rules) : engine(rules) {}

  void backend_turn() {
    if (back == BusState::kInitWait && front == BusState::kConnected) back = BusState::kConnected;
    if (back == BusState::kClosing && front == BusState::kClosed) back = BusState::kClosed;
    if (back == BusState::kConnected && front == BusState::kClosed) back = BusState::kClosed;
    if (back == BusState::kClosed && front == BusState::kInitialising) back = BusState::kInitWait;
  }
  void driver_turn() {
    if (engine.is_lost()) {
      has_rings = false;
      engine.join();
    }
    if (engine.state() == State::kBroken) {
      front = BusState::kClosed;
      has_rings = false;
      engine.closed();
    }
    joining = engine.is_joining() ? joining + 1 : 0;
    if (joining == kTimeout) {
      engine.part();
      has_rings = false;
      joining = 0;
    }
    const XenbusEngine::Step step = engine.backend(back);
    if (step.leave) has_rings = false;
    if (step.write) front = *step.write;
    if (step.next == Next::kJoin) engine.join();
    if (step.next == Next::kOffer) {
      has_rings = true;
      front = BusState::kConnected;
      engine.offered();
    }
    if (step.next == Next::kFinish) engine.connected();
  }

  XenbusEngine engine;
  BusState front = BusState::kInitialising, back = BusState::kInitWait;
  bool has_rings = false;
  int joining = 0;  // turns

  static constexpr int kTimeout = 4;
};

TEST(XenbusEngine, FindsABackendAgainAfterWhateverHappens) {
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    Pair pair({.reopens_closed = true, .max_resets = 1000});
    for (int step = 0; step < 40; ++step) {
      switch (random() % 8) {
        case 0:
          pair.back = BusState::kClosing;
          break;
        case 1:
          pair.engine.resumed();
          pair.front = BusState::kInitialising;
          pair.back = BusState::kInitWait;
          break;
        case 2:
          if (pair.has_rings) pair.engine.broke();
          break;
        case 3:
        case 4:
          pair.backend_turn();
          break;
        default:
          pair.driver_turn();
      }
      // A connection without rings would never be noticed.
      ASSERT_TRUE(pair.has_rings || pair.engine.state() != State::kConnected);
    }
    for (int turn = 0; turn < 5 * Pair::kTimeout; ++turn) {
      pair.driver_turn();
      pair.backend_turn();
    }
    ASSERT_EQ(pair.engine.state(), State::kConnected)
        << round << ": " << static_cast<unsigned>(pair.front) << static_cast<unsigned>(pair.back);
    ASSERT_EQ(pair.back, BusState::kConnected);
    ASSERT_TRUE(pair.has_rings);
  }
}

}  // namespace
}  // namespace fata::xen
