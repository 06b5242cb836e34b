#include "fata/tcp/receive_state.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fata::tcp {
namespace {

constexpr Instant kNow{5'000'000'000};

// RCV.NXT is `nxt`, and 1000 bytes are offered.
ReceiveState offering_1000(Seq nxt) {
  ReceiveState state;
  state.limit = 4000;
  state.mss = 500;
  state.start(nxt - 1);
  state.offer(1000);
  return state;
}

TEST(ReceiveState, CountsTheSynAsOneSequenceNumberAndOffersNoMoreThanASynCan) {
  ReceiveState state;
  state.start(0xffff'ffff);
  EXPECT_EQ(state.irs, 0xffff'ffffu);
  EXPECT_EQ(state.nxt, 0u);
  EXPECT_EQ(state.window(), 0u);
  state.limit = 65535;
  EXPECT_EQ(state.syn_window(), 65535);
  state.limit = 65536;
  EXPECT_EQ(state.syn_window(), 65535);
  state.limit = 1000;
  EXPECT_EQ(state.syn_window(), 1000);
}

TEST(ReceiveState, AcceptsWhatReachesIntoTheWindow) {
  struct Case {
    int from;  // relative to RCV.NXT
    std::uint32_t length;
    bool accepted;
  };
  const std::vector<Case> cases{
      {0, 0, true},     {999, 0, true},  {1000, 0, false}, {-1, 0, false},   {0, 1, true},
      {-1, 1, false},   {-1, 2, true},   {999, 1, true},   {999, 500, true}, {1000, 1, false},
      {-10, 10, false}, {-10, 5, false}, {-10, 2000, true}};
  for (const Seq nxt : {Seq{5000}, Seq{0xffff'ffe0}, Seq{5}}) {
    const ReceiveState state = offering_1000(nxt);
    for (const Case& each : cases)
      EXPECT_EQ(state.acceptable(nxt + static_cast<Seq>(each.from), each.length), each.accepted)
          << each.from << " " << each.length;
  }
}

TEST(ReceiveState, AcceptsOnlySegmentsAtTheEdgeOfAClosedWindow) {
  ReceiveState state;
  state.start(99);
  EXPECT_TRUE(state.acceptable(100, 0));
  EXPECT_TRUE(state.acceptable(100, 500)) << "its data is trimmed, but its ACK counts";
  EXPECT_FALSE(state.acceptable(101, 0));
  EXPECT_FALSE(state.acceptable(99, 1));
}

TEST(ReceiveState, MovesTheRightEdgeOnlyByASegmentOrHalfTheLimit) {
  ReceiveState state = offering_1000(5000);
  state.nxt += 1000;  // all of it was used
  EXPECT_EQ(state.window_to_offer(4000, false), 0u);
  EXPECT_EQ(state.window_to_offer(3501, false), 0u) << "less than a segment";
  EXPECT_EQ(state.window_to_offer(3500, false), 500u);
  state.limit = 600;
  EXPECT_EQ(state.window_to_offer(301, false), 0u) << "less than half of the limit";
  EXPECT_EQ(state.window_to_offer(300, false), 300u);
  EXPECT_EQ(state.window_to_offer(1000, false), 0u) << "more is unread than the limit now allows";
}

TEST(ReceiveState, NeverMovesTheRightEdgeBack) {
  ReceiveState state = offering_1000(0xffff'fe00);
  EXPECT_EQ(state.window_to_offer(4000, false), 1000u);
  EXPECT_EQ(state.window_to_offer(0, true), 1000u) << "two segments, which were offered already";
  state.nxt += 100;
  EXPECT_EQ(state.window_to_offer(4000, true), 900u);
  EXPECT_EQ(state.advertise(900), 900);
  EXPECT_EQ(state.advertise(0), 900) << "a caller cannot shrink the window either";
}

TEST(ReceiveState, OffersTwoSegmentsWhereMemoryIsScarceAndNothingToAFlowThatHoldsMore) {
  ReceiveState state;
  state.limit = 100'000;
  state.mss = 1000;
  state.start(0);
  EXPECT_EQ(state.window_to_offer(0, false), 65535u) << "the largest value of the field";
  EXPECT_EQ(state.window_to_offer(2000, true), 2000u);
  EXPECT_EQ(state.window_to_offer(2001, true), 0u);
  state.shift = 2;
  EXPECT_EQ(state.window_to_offer(0, false), 100'000u);
}

TEST(ReceiveState, RoundsTheFieldSoThatTheOfferedWindowDoesNotShrink) {
  ReceiveState state;
  state.limit = 1 << 20;
  state.start(0);
  state.shift = 7;
  EXPECT_EQ(state.advertise(1000), 7) << "rounded down: 896 bytes";
  EXPECT_EQ(state.window(), 896u);
  state.nxt += 1;
  EXPECT_EQ(state.advertise(state.window()), 7) << "rounded up: 6 would take back 127 bytes";
  EXPECT_EQ(state.window(), 896u);
  EXPECT_EQ(state.advertise(20 << 20), 65535);
  EXPECT_EQ(state.window(), 65535u << 7);
}

TEST(ReceiveState, SendsAWindowUpdateOnlyIfThePeerNeedsIt) {
  ReceiveState state;
  state.limit = 100'000;
  state.mss = 1000;
  state.start(0);
  state.offer(40'000);
  EXPECT_FALSE(state.is_worth_an_update(40'000));
  EXPECT_FALSE(state.is_worth_an_update(39'000));
  EXPECT_FALSE(state.is_worth_an_update(79'999)) << "less than the window again";
  EXPECT_TRUE(state.is_worth_an_update(80'000));
  state.nxt += 30'000;
  EXPECT_FALSE(state.is_worth_an_update(25'999)) << "less than 16 segments";
  EXPECT_TRUE(state.is_worth_an_update(26'000));
  state.nxt += 8001;
  EXPECT_TRUE(state.is_worth_an_update(2000)) << "fewer than two segments were left";
  EXPECT_FALSE(state.is_worth_an_update(state.window())) << "but it must be larger";
  state.limit = 2000;
  state.nxt = state.edge - 2000;
  EXPECT_FALSE(state.is_worth_an_update(2999));
  EXPECT_TRUE(state.is_worth_an_update(3000)) << "half of the limit";
}

TEST(ReceiveState, RaisesTheLimitToTwiceWhatIsReadInARoundTrip) {
  ReceiveState state;
  state.limit = 100'000;
  state.start_measuring(kNow);
  constexpr Duration kRoundTrip = milliseconds(10);
  constexpr std::uint32_t kMax = 150'000;
  EXPECT_EQ(state.on_read(40'000, kRoundTrip, kMax, kNow + milliseconds(9)), 0u);
  EXPECT_EQ(state.on_read(20'000, kRoundTrip, kMax, kNow + milliseconds(10)), 120'000u);
  state.limit = 120'000;
  EXPECT_EQ(state.on_read(10'000, kRoundTrip, kMax, kNow + milliseconds(20)), 120'000u)
      << "a slow reader does not lower it";
  EXPECT_EQ(state.on_read(1'000'000, kRoundTrip, kMax, kNow + milliseconds(30)), kMax);
  EXPECT_EQ(state.on_read(100, Duration{}, kMax, kNow + milliseconds(30) + microseconds(99)), 0u)
      << "a shorter time than 100 us shows nothing";
}

TEST(ReceiveState, TakesAFinAfterTheDataInFrontOfIt) {
  ReceiveState state = offering_1000(0xffff'fff0);
  EXPECT_FALSE(state.fin_is_early());
  EXPECT_TRUE(state.on_fin(state.nxt + 100));
  EXPECT_TRUE(state.fin_is_early());
  EXPECT_FALSE(state.fin_is_next());
  EXPECT_FALSE(state.on_fin(state.nxt + 200)) << "the first one counts";
  state.nxt += 100;
  EXPECT_TRUE(state.fin_is_next());
  const Seq edge = state.edge;
  state.take_fin();
  EXPECT_EQ(state.nxt, Seq{0xffff'fff0} + 101);
  EXPECT_EQ(state.edge, edge);
  EXPECT_TRUE(state.fin_received);
  EXPECT_FALSE(state.fin_is_next());
  EXPECT_FALSE(state.fin_is_early());

  ReceiveState closed;
  closed.start(0);
  EXPECT_TRUE(closed.on_fin(1));
  closed.take_fin();
  EXPECT_EQ(closed.window(), 0u) << "a FIN in a closed window moves the edge too";
}

}  // namespace
}  // namespace fata::tcp
