#include "fata/kernel/tsc_clock.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace fata::kernel {
namespace {

// A machine with a TSC rate of `hz`, and readings that take `blur` ticks.
struct Machine {
  double hz;
  std::uint64_t blur = 4000;

  RateEstimate::Sample sample(std::uint64_t tsc) const {
    const double ticks = static_cast<double>(tsc) / hz * RateEstimate::kReferenceHz;
    return {tsc - blur / 2, tsc + blur / 2,
            static_cast<std::uint16_t>(static_cast<std::uint64_t>(ticks))};
  }
};

TEST(TscClock, counts_nanoseconds_from_its_start) {
  TscClock clock;
  clock.start(1000, 2'000'000'000);
  EXPECT_EQ(clock.at(1000).ns, 0);
  EXPECT_EQ(clock.at(1000 + 2'000'000'000ULL).ns, 1'000'000'000);
  EXPECT_EQ(clock.at(1000 + 2'000'000'000ULL * 86400 * 365).ns, 86400LL * 365 * 1'000'000'000);
}

TEST(TscClock, a_new_rate_never_makes_time_step) {
  TscClock clock;
  clock.start(0, 3'000'000'000);
  std::mt19937 random(1);
  std::uint64_t tsc = 0;
  Instant last{};
  for (int i = 0; i < 10'000; ++i) {
    tsc += random() % 100'000;
    const Instant before = clock.at(tsc);
    EXPECT_GE(before, last);
    clock.set_rate(tsc, 2'900'000'000 + random() % 200'000'000);
    EXPECT_EQ(clock.at(tsc), before);
    last = before;
  }
}

TEST(TscClock, the_tick_of_an_instant_is_the_first_at_which_it_has_passed) {
  TscClock clock;
  clock.start(777, 2'345'678'901);
  for (std::int64_t ns : {1LL, 999LL, 1'000'000'007LL, 5'000'000'000'000LL}) {
    const std::uint64_t tsc = clock.tsc_at({ns});
    EXPECT_GE(clock.at(tsc).ns, ns);
    EXPECT_LE(clock.at(tsc - 3).ns, ns);
  }
  EXPECT_EQ(clock.tsc_at({-5}), 777U);
  EXPECT_GT(clock.tsc_at(Instant::never()), std::uint64_t{1} << 62);
}

// The scale of such a rate would be 0, and tsc_at() divides by it.
TEST(TscClock, a_rate_that_no_processor_has_stops_nothing) {
  constexpr std::uint64_t kRates[]{0, 1, std::uint64_t{1} << 63, ~std::uint64_t{0}};
  for (const std::uint64_t hz : kRates) {
    TscClock clock;
    clock.start(777, hz);
    EXPECT_GT(clock.tsc_at({1'000'000'000}), 777U) << hz;
    EXPECT_GE(clock.at(1'000'000'000).ns, 0) << hz;
  }
}

TEST(RateEstimate, gets_ever_nearer_to_the_true_rate_across_many_wraps) {
  for (const double hz : {1.0e9, 2.1e9, 3.7e9, 5.2e9}) {
    const Machine machine{hz};
    RateEstimate estimate;
    const std::uint64_t start = 123'456'789;
    estimate.start(machine.sample(start));
    std::uint64_t now = start + static_cast<std::uint64_t>(hz * 200e-6);
    ASSERT_TRUE(estimate.refine(machine.sample(now)));
    EXPECT_LT(std::abs(static_cast<double>(estimate.hz()) / hz - 1), 0.02);
    for (int i = 0; i < 30 && !estimate.is_settled(); ++i) {
      now = estimate.next_useful();
      ASSERT_TRUE(estimate.refine(machine.sample(now)));
    }
    EXPECT_TRUE(estimate.is_settled());
    EXPECT_LT(std::abs(static_cast<double>(estimate.hz()) / hz - 1), 1e-7);
  }
}

TEST(RateEstimate, survives_the_longest_pause_that_it_allows) {
  const Machine machine{2.4e9};
  RateEstimate estimate;
  estimate.start(machine.sample(0x10000));
  ASSERT_TRUE(estimate.refine(machine.sample(0x10000 + 240'000)));  // 100 microseconds
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(estimate.refine(machine.sample(estimate.must_sample_by())));
  EXPECT_LT(std::abs(static_cast<double>(estimate.hz()) / 2.4e9 - 1), 1e-6);
}

TEST(RateEstimate, restarted_on_another_host_it_finds_that_one_s_rate) {
  for (const double other : {1.3e9, 2.4e9, 4.6e9}) {
    RateEstimate estimate;
    const Machine first{2.4e9}, second{other};
    estimate.start(first.sample(0x10000));
    ASSERT_TRUE(estimate.refine(first.sample(0x10000 + 240'000)));
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(estimate.refine(first.sample(estimate.next_useful())));
    const std::uint64_t restored = estimate.next_useful();
    estimate.restart(second.sample(restored));
    EXPECT_FALSE(estimate.is_settled());
    while (!estimate.is_settled())
      ASSERT_TRUE(estimate.refine(second.sample(estimate.must_sample_by())));
    EXPECT_LT(std::abs(static_cast<double>(estimate.hz()) / other - 1), 1e-6) << other;
  }
}

TEST(TscClock, a_step_makes_all_later_times_later) {
  TscClock clock;
  clock.start(0, 1'000'000'000);
  clock.step(seconds(5));
  EXPECT_EQ(clock.at(1'000'000'000), Instant{} + seconds(6));
  EXPECT_EQ(clock.tsc_at(Instant{} + seconds(6)), 1'000'000'001U);
}

TEST(RateEstimate, a_sample_during_which_the_host_slept_is_thrown_away) {
  const Machine machine{2e9};
  RateEstimate estimate;
  estimate.start(machine.sample(100'000));
  ASSERT_TRUE(estimate.refine(machine.sample(100'000 + 2'000'000)));
  const std::uint64_t before = estimate.hz();
  const Machine sleepy{2e9, 10'000'000};
  EXPECT_FALSE(estimate.refine(sleepy.sample(100'000 + 20'000'000)));
  EXPECT_EQ(estimate.hz(), before);
}

TEST(RateEstimate, a_reference_that_stands_still_gives_no_rate) {
  RateEstimate estimate;
  estimate.start({1000, 2000, 0xffff});
  EXPECT_FALSE(estimate.refine({10'000'000, 10'001'000, 0xffff}));
  EXPECT_EQ(estimate.hz(), 0U);
}

}  // namespace
}  // namespace fata::kernel
