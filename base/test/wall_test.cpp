#include "fata/base/wall.hpp"

#include <gtest/gtest.h>

namespace fata {
namespace {

constexpr Instant at(std::int64_t s) { return {seconds(s).ns}; }
constexpr WallTime kStart{1'767'225'600'000'000'000};

struct Machine {
  WallReading host() const { return {{kStart.ns + now.ns + host_ahead.ns}, seconds(1)}; }
  WallReading read() const { return wall.read(now, host()); }
  Duration ahead() const { return {read().time.ns - kStart.ns - now.ns}; }
  void correct(Duration error) { wall.correct({{kStart.ns + now.ns}, error}, now, host()); }

  Instant now = at(10);
  Duration host_ahead{};
  WallCorrection wall{};
};

TEST(WallCorrection, WithoutOneTheHostsTimeAndErrorAreReturned) {
  Machine machine{.host_ahead = milliseconds(7)};
  EXPECT_EQ(machine.ahead(), milliseconds(7));
  EXPECT_EQ(machine.read().error, seconds(1));
  machine.correct(milliseconds(1));
  machine.wall.clear();
  EXPECT_EQ(machine.ahead(), milliseconds(7));
}

TEST(WallCorrection, ALargeChangeIsAStep) {
  for (const Duration ahead : {milliseconds(129), milliseconds(-129)}) {
    Machine machine{.host_ahead = ahead};
    machine.correct(milliseconds(5));
    EXPECT_EQ(machine.ahead(), Duration{});
    EXPECT_EQ(machine.read().error, milliseconds(5));
  }
}

TEST(WallCorrection, ASmallChangeIsSlewedAndItsRestIsPartOfTheError) {
  for (const std::int64_t sign : {1, -1}) {
    Machine machine{.host_ahead = milliseconds(100 * sign)};
    machine.correct(milliseconds(5));
    EXPECT_EQ(machine.ahead(), milliseconds(100 * sign));
    EXPECT_EQ(machine.read().error, milliseconds(105));
    WallTime last = machine.read().time;
    for (int second = 0; second < 100; ++second) {
      machine.now = machine.now + seconds(1);
      const std::int64_t passed = machine.read().time.ns - last.ns;
      EXPECT_EQ(passed, seconds(1).ns - sign * microseconds(500).ns);
      last = machine.read().time;
    }
    EXPECT_EQ(machine.ahead(), milliseconds(50 * sign));
    machine.now = machine.now + seconds(101);
    EXPECT_EQ(machine.ahead(), Duration{});
  }
}

TEST(WallCorrection, ASecondCorrectionContinuesFromTheTimeShown) {
  Machine machine{.host_ahead = milliseconds(100)};
  machine.correct(milliseconds(5));
  machine.now = machine.now + seconds(100);
  machine.correct(milliseconds(4));
  EXPECT_EQ(machine.ahead(), milliseconds(50));
  EXPECT_EQ(machine.read().error, milliseconds(54));
}

TEST(WallCorrection, TheErrorGrowsWithTheDriftOfACrystal) {
  Machine machine;
  machine.correct(milliseconds(5));
  machine.now = machine.now + seconds(1000);
  EXPECT_EQ(machine.read().error, milliseconds(105));
}

TEST(WallCorrection, AHostsClockThatMovesAddsToTheErrorAndEndsTheCorrectionBeyondItsOwnError) {
  Machine machine{.host_ahead = milliseconds(500)};
  machine.correct(milliseconds(5));
  machine.host_ahead = milliseconds(800);
  EXPECT_EQ(machine.ahead(), Duration{});
  EXPECT_EQ(machine.read().error, milliseconds(305));
  machine.host_ahead = milliseconds(1501);
  EXPECT_EQ(machine.ahead(), milliseconds(1501));
  EXPECT_EQ(machine.read().error, seconds(1));
}

}  // namespace
}  // namespace fata
