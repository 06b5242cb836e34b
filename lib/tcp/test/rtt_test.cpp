#include "fata/tcp/rtt.hpp"

#include <gtest/gtest.h>

namespace fata::tcp {
namespace {

constexpr RtoLimits kLimits;
constexpr Instant kStart = Instant{} + seconds(1000);

TEST(Rtt, BeforeTheFirstSampleTheTimeoutIsOneSecond) {
  const RttEstimator rtt;
  EXPECT_FALSE(rtt.has_sample());
  EXPECT_EQ(rtt.rto(kLimits), seconds(1));
  EXPECT_EQ(rtt.min_rtt(), Duration{});
}

TEST(Rtt, TheFirstSampleSetsTheMeanAndHalfOfItAsVariation) {
  RttEstimator rtt;
  rtt.sample(milliseconds(100), kStart);
  EXPECT_EQ(rtt.srtt(), milliseconds(100));
  EXPECT_EQ(rtt.rttvar(), milliseconds(50));
  EXPECT_EQ(rtt.rto(kLimits), milliseconds(300));
}

TEST(Rtt, LaterSamplesWeighAnEighthAndAQuarterAndTheOldMeanIsUsedForTheVariation) {
  RttEstimator rtt;
  rtt.sample(milliseconds(100), kStart);
  rtt.sample(milliseconds(180), kStart);
  EXPECT_EQ(rtt.srtt(), milliseconds(110));
  EXPECT_EQ(rtt.rttvar(), Duration{57'500'000});  // 3/4 * 50 + 1/4 * |100 - 180|
  EXPECT_EQ(rtt.rto(kLimits), milliseconds(340));
  rtt.sample(milliseconds(30), kStart);
  EXPECT_EQ(rtt.srtt(), milliseconds(100));
  EXPECT_EQ(rtt.rttvar(), Duration{63'125'000});
}

TEST(Rtt, ASteadyPathKeepsTheLeastVariationAboveTheMean) {
  RttEstimator rtt;
  for (int i = 0; i < 200; ++i) rtt.sample(milliseconds(190), kStart);
  EXPECT_EQ(rtt.rto(kLimits).ms(), 390);
  RtoLimits rfc = kLimits;
  rfc.least = seconds(1);
  EXPECT_EQ(rtt.rto(rfc).ms(), 1190);
}

TEST(Rtt, BackOffDoublesUpToTheMostAndEndsWithASample) {
  RttEstimator rtt;
  rtt.sample(milliseconds(100), kStart);
  for (const int expected : {600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, 120000, 120000}) {
    rtt.back_off();
    EXPECT_EQ(rtt.rto(kLimits).ms(), expected);
    EXPECT_EQ(rtt.base_rto(kLimits).ms(), 300);
  }
  for (int i = 0; i < 300; ++i) rtt.back_off();
  EXPECT_EQ(rtt.rto(kLimits), seconds(120));
  rtt.sample(milliseconds(100), kStart);
  EXPECT_EQ(rtt.backed_off(), 0u);
  EXPECT_LT(rtt.rto(kLimits), milliseconds(301));
}

TEST(Rtt, AnAcknowledgementWithoutSampleMayEndTheBackOff) {
  RttEstimator rtt;
  rtt.back_off();
  rtt.back_off();
  EXPECT_EQ(rtt.rto(kLimits), seconds(4));
  rtt.end_back_off();
  EXPECT_EQ(rtt.rto(kLimits), seconds(1));
}

TEST(Rtt, DataAfterALostSynWaitsThreeSecondsUntilThereIsASample) {
  RttEstimator rtt;
  rtt.back_off();
  rtt.syn_was_lost();
  EXPECT_EQ(rtt.rto(kLimits), seconds(3));
  rtt.back_off();
  EXPECT_EQ(rtt.rto(kLimits), seconds(6));
  rtt.sample(milliseconds(100), kStart);
  EXPECT_EQ(rtt.rto(kLimits), milliseconds(300));
}

TEST(Rtt, ManySamplesARoundMoveTheMeanAsOneWould) {
  // A round of 64 samples of 200 ms moves the mean about as much as one sample; at full weight
  // each, they would erase the old mean.
  RttEstimator one;
  one.sample(milliseconds(100), kStart);
  RttEstimator many = one;
  RttEstimator naive = one;
  one.sample(milliseconds(200), kStart);
  for (int i = 0; i < 64; ++i) {
    many.sample(milliseconds(200), kStart, 64);
    naive.sample(milliseconds(200), kStart);
  }
  EXPECT_NEAR(static_cast<double>(many.srtt().us()), static_cast<double>(one.srtt().us()), 1000);
  EXPECT_NEAR(static_cast<double>(naive.srtt().us()), 200'000, 1000);
}

TEST(Rtt, AbsurdSamplesAreBounded) {
  RttEstimator rtt;
  rtt.sample(Duration{-5}, kStart);
  EXPECT_TRUE(rtt.has_sample());
  EXPECT_EQ(rtt.srtt(), microseconds(1));
  rtt.sample(seconds(1'000'000), kStart);
  EXPECT_LE(rtt.rto(kLimits), seconds(120));
  EXPECT_EQ(rtt.min_rtt(), microseconds(1));
}

TEST(Rtt, TheLeastOfTheLastWindowsIsKeptAndAnOldOneForgotten) {
  RttEstimator rtt;
  rtt.sample(milliseconds(20), kStart);
  rtt.sample(milliseconds(50), kStart + seconds(100));
  EXPECT_EQ(rtt.min_rtt(), milliseconds(20));
  rtt.sample(milliseconds(50), kStart + seconds(151));
  EXPECT_EQ(rtt.min_rtt(), milliseconds(20)) << "it is in the window before";
  rtt.sample(milliseconds(40), kStart + seconds(302));
  EXPECT_EQ(rtt.min_rtt(), milliseconds(40));
  rtt.sample(milliseconds(60), kStart + seconds(5000));
  EXPECT_EQ(rtt.min_rtt(), milliseconds(60));
}

}  // namespace
}  // namespace fata::tcp
