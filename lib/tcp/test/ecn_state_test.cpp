#include "fata/tcp/ecn_state.hpp"

#include <gtest/gtest.h>

namespace fata::tcp {
namespace {

constexpr Seq kIss = 0xffff'ff00;

EcnState capable() {
  EcnState state;
  state.start(kIss);
  state.negotiated(true);
  return state;
}

TEST(EcnState, DoesNothingUnlessBothSidesHaveAgreed) {
  EcnState state;
  state.start(kIss);
  EXPECT_FALSE(state.is_capable());
  EXPECT_FALSE(state.on_segment(false, true));
  EXPECT_FALSE(state.echoes());
  EXPECT_FALSE(state.must_reduce(kIss + 1000, kIss + 2000));
  EXPECT_FALSE(state.take_cwr());
}

TEST(EcnState, EchoesAMarkUntilThePeerSendsCwr) {
  EcnState state = capable();
  EXPECT_FALSE(state.on_segment(false, false));
  EXPECT_FALSE(state.echoes());
  EXPECT_TRUE(state.on_segment(false, true)) << "acknowledged at once";
  EXPECT_TRUE(state.echoes());
  EXPECT_FALSE(state.on_segment(false, false));
  EXPECT_TRUE(state.echoes()) << "an ACK may be lost";
  EXPECT_FALSE(state.on_segment(true, false));
  EXPECT_FALSE(state.echoes());
}

TEST(EcnState, EchoesASegmentThatIsMarkedAndCarriesCwr) {
  EcnState state = capable();
  ASSERT_TRUE(state.on_segment(false, true));
  EXPECT_TRUE(state.on_segment(true, true)) << "congestion again, after the reduction";
  EXPECT_TRUE(state.echoes());
}

TEST(EcnState, ReducesOncePerWindowOfData) {
  EcnState state = capable();
  EXPECT_TRUE(state.must_reduce(kIss + 100, kIss + 1000));
  EXPECT_FALSE(state.must_reduce(kIss + 200, kIss + 1500));
  EXPECT_FALSE(state.must_reduce(kIss + 999, kIss + 1900));
  EXPECT_TRUE(state.must_reduce(kIss + 1000, kIss + 2000)) << "all data sent before it is acked";
}

TEST(EcnState, SendsCwrOnceForEachReduction) {
  EcnState state = capable();
  EXPECT_FALSE(state.take_cwr());
  ASSERT_TRUE(state.must_reduce(kIss + 100, kIss + 1000));
  EXPECT_TRUE(state.take_cwr());
  EXPECT_FALSE(state.take_cwr());
  EXPECT_FALSE(state.must_reduce(kIss + 200, kIss + 1500));
  EXPECT_FALSE(state.take_cwr()) << "no reduction, no CWR";
}

}  // namespace
}  // namespace fata::tcp
