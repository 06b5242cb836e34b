#include "fata/kernel/pv_time.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace fata::kernel {
namespace {

// Computes scale and shift like the hypervisor: shifts the rate into (0.5, 1] GHz, then scales it
// to 2^32.
PvTime time_of(double hz) {
  PvTime time{};
  time.version = 2;
  double rate = hz;
  while (rate > 1e9) rate /= 2, --time.shift;
  while (rate <= 0.5e9) rate *= 2, ++time.shift;
  time.scale = static_cast<std::uint32_t>(std::min(std::ldexp(1e9 / rate / 2, 32), 4294967295.0));
  ++time.shift;
  return time;
}

TEST(PvClock, the_rate_follows_from_scale_and_shift) {
  for (const double hz : {2.4e8, 1.0e9, 2.1e9, 3.8e9, 5.5e9}) {
    const double got = static_cast<double>(pv_rate(time_of(hz)));
    EXPECT_LT(std::abs(got / hz - 1), 1e-8) << hz;
  }
}

TEST(PvClock, system_time_goes_on_from_when_it_was_written) {
  PvTime time = time_of(2e9);
  time.tsc = 1'000'000;
  time.system_time = 77'000;
  EXPECT_EQ(pv_system_ns(time, 1'000'000), 77'000U);
  EXPECT_NEAR(static_cast<double>(pv_system_ns(time, 1'000'000 + 20'000'000'000)), 10'000'077'000.0,
              10.0);
}

TEST(PvClock, a_shift_that_no_host_means_leaves_time_as_it_was_written) {
  for (const int shift : {-128, -64, -32, 32, 64, 127}) {
    PvTime time = time_of(2e9);
    time.system_time = 77'000;
    time.shift = static_cast<std::int8_t>(shift);
    EXPECT_EQ(pv_system_ns(time, 1'000'000'000), 77'000U) << shift;
    EXPECT_EQ(pv_rate(time), 0U) << shift;
  }
}

TEST(PvClock, a_host_that_wrote_nothing_gives_no_rate) { EXPECT_EQ(pv_rate(PvTime{}), 0U); }

}  // namespace
}  // namespace fata::kernel
