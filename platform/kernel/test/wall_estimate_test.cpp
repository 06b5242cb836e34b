#include "fata/kernel/wall_estimate.hpp"

#include <gtest/gtest.h>

namespace fata::kernel {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kEpoch = 1'700'000'000 * kSecond;

// A host with a battery clock or an exact one, and a guest that reads its wall clock.
struct Machine {
  explicit Machine(std::int64_t resolution) : resolution(resolution) {}
  std::int64_t resolution;
  std::int64_t host = kEpoch + 300'000'000;
  Instant now{};
  WallEstimate wall;
  unsigned asked = 0;

  void run(Duration d) { host += d.ns, now.ns += d.ns; }
  // Returns the guest's time minus the host's.
  std::int64_t error() {
    if (wall.is_due(now)) {
      ++asked;
      wall.correct(now, {host - host % resolution, resolution});
    }
    return wall.at(now).ns - host;
  }
};

TEST(WallEstimate, it_is_never_behind_by_more_than_the_host_s_resolution) {
  for (const std::int64_t resolution : {std::int64_t{1}, kSecond}) {
    Machine machine(resolution);
    for (int i = 0; i < 1000; ++i) {
      const std::int64_t error = machine.error();
      EXPECT_LE(error, 0);
      EXPECT_GT(error, -resolution);
      machine.run(milliseconds(37));
    }
  }
}

TEST(WallEstimate,
     it_does_not_jump_about_within_a_second_and_never_goes_back_where_the_host_does_not) {
  Machine machine(kSecond);
  machine.error();
  WallTime last = machine.wall.at(machine.now);
  unsigned steps = 0;
  for (int i = 0; i < 3000; ++i) {
    machine.run(milliseconds(41));
    machine.error();
    const WallTime at = machine.wall.at(machine.now);
    EXPECT_GE(at, last);
    steps += at.ns - last.ns != 41'000'000 ? 1 : 0;
    last = at;
  }
  EXPECT_LE(steps, 25U) << "it comes nearer with each second that begins, and then stays";
  EXPECT_GT(machine.error(), -50'000'000);
}

TEST(WallEstimate, after_a_pause_that_the_guest_does_not_see_it_follows_within_a_second) {
  for (const std::int64_t resolution : {std::int64_t{1}, kSecond}) {
    Machine machine(resolution);
    machine.error();
    machine.host += 3600 * kSecond;  // paused: the monotonic clock did not advance
    machine.run(seconds(1));
    EXPECT_GT(machine.error(), -resolution);
  }
}

TEST(WallEstimate, after_a_pause_that_the_guest_sees_it_follows_at_once) {
  Machine machine(kSecond);
  machine.error();
  machine.host += 30 * kSecond;  // the monotonic clock counted part of the pause
  machine.run(seconds(3600));
  EXPECT_GT(machine.error(), -kSecond);
}

TEST(WallEstimate, it_follows_a_correction_of_the_host_s_in_either_direction) {
  for (const std::int64_t correction :
       {7200 * kSecond, -7200 * kSecond, 3 * kSecond, -3 * kSecond}) {
    Machine machine(kSecond);
    machine.error();
    machine.host += correction;
    machine.run(milliseconds(1500));
    const std::int64_t error = machine.error();
    EXPECT_LE(error, kSecond);
    EXPECT_GE(error, -kSecond);
  }
}

TEST(WallEstimate, the_host_is_asked_at_most_once_a_second_and_not_at_all_if_nobody_wants_to_know) {
  Machine machine(kSecond);
  for (int i = 0; i < 10'000; ++i) {
    machine.error();
    machine.run(milliseconds(1));
  }
  EXPECT_LE(machine.asked, 11U);
}

TEST(WallEstimate, after_a_jump_it_is_exact_to_50_ms_within_a_good_second_on_a_battery_clock_too) {
  for (const std::int64_t phase : {0, 1, 499, 950, 999}) {
    Machine machine(kSecond);
    machine.error();
    machine.host += 3600 * kSecond + phase * 1'000'000;
    machine.run(seconds(1));
    machine.error();
    EXPECT_TRUE(machine.wall.is_sharpening(machine.now));
    const Instant jumped = machine.now;
    while (machine.wall.is_sharpening(machine.now)) {
      ASSERT_LT(machine.now - jumped, milliseconds(1100));
      machine.run(milliseconds(27));
      machine.error();
    }
    EXPECT_LE(machine.error(), 0);
    EXPECT_GT(machine.error(), -WallEstimate::kSharp.ns);
  }
}

TEST(WallEstimate, it_returns_how_far_an_answer_has_moved_it) {
  Machine machine(kSecond);
  EXPECT_EQ(machine.wall.correct(machine.now, {kEpoch, kSecond}), Duration{});
  machine.run(milliseconds(1500));
  EXPECT_EQ(machine.wall.correct(machine.now, {kEpoch + 2 * kSecond, kSecond}), milliseconds(500));
  EXPECT_EQ(machine.wall.correct(machine.now, {kEpoch + 60 * kSecond, kSecond}), seconds(58));
  EXPECT_EQ(machine.wall.correct(machine.now, {kEpoch, kSecond}).s(), -59);
}

TEST(WallEstimate, a_step_of_the_monotonic_clock_leaves_the_time_as_it_is_right_after_it) {
  Machine machine(kSecond);
  machine.error();
  const WallTime before = machine.wall.at(machine.now);
  machine.wall.stepped(seconds(100));
  machine.now = machine.now + seconds(100);
  EXPECT_EQ(machine.wall.at(machine.now), before);
  EXPECT_FALSE(machine.wall.is_due(machine.now));
}

}  // namespace
}  // namespace fata::kernel
