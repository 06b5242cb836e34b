#include "fata/tcp/congestion.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace fata::tcp {
namespace {

using enum CongestionAlgorithm;
constexpr std::uint32_t kMss = 1000;

// A sender that always has data, on a path with one ACK for two segments.
struct Sender {
  CongestionControl cc;
  Instant now = Instant{} + seconds(100);
  Duration rtt = milliseconds(50);
  std::uint32_t una = 0xfffff000;  // so that sequence numbers wrap

  explicit Sender(CongestionAlgorithm algorithm, std::uint32_t mss = kMss) : cc(algorithm, mss) {}

  void ack(std::uint32_t bytes, std::uint32_t window, bool limited = true) {
    una += bytes;
    cc.on_ack({.acked = bytes,
               .una = una,
               .nxt = una + window - bytes,
               .rtt = rtt,
               .srtt = rtt,
               .window_limited = limited},
              now);
  }
  // One window is acknowledged over one round trip.
  void round(bool limited = true) {
    const std::uint32_t window = cc.cwnd();
    std::uint32_t left = window;
    const auto acks = static_cast<std::int64_t>(window / (2 * kMss) + 1);
    while (left > 0) {
      const std::uint32_t bytes = std::min(left, 2 * kMss);
      now = now + rtt / acks;
      ack(bytes, cc.cwnd(), limited);
      left -= bytes;
    }
  }
  // A loss, repaired within a round trip.
  void lose() {
    cc.on_loss(cc.cwnd());
    now = now + rtt;
    cc.on_recovered();
  }
  std::uint32_t segments() const { return cc.cwnd() / kMss; }
};

TEST(Congestion, TheInitialWindowIsThatOfRfc6928) {
  EXPECT_EQ(CongestionControl::initial_window(1460), 14'600u);
  EXPECT_EQ(CongestionControl::initial_window(536), 5'360u);
  EXPECT_EQ(CongestionControl::initial_window(1000), 10'000u);
  EXPECT_EQ(CongestionControl::initial_window(4000), 14'600u);
  EXPECT_EQ(CongestionControl::initial_window(8960), 17'920u);
}

TEST(Congestion, TheMssComesToBeKnownBeforeTheFirstAck) {
  CongestionControl cc(kCubic, 536);
  cc.set_mss(1460);
  EXPECT_EQ(cc.cwnd(), 14'600u);
  cc.on_ack({.acked = 1460, .una = 1460, .nxt = 14'600}, Instant{} + seconds(1));
  cc.set_mss(1200);
  EXPECT_EQ(cc.cwnd(), 14'600u + 1460u) << "the window stays, in bytes";
}

TEST(Congestion, AfterALostSynTheWindowIsOneSegment) {
  CongestionControl cc(kNewReno, 536);
  cc.set_mss(1460);
  cc.syn_was_lost();
  EXPECT_EQ(cc.cwnd(), 1460u);
}

TEST(SlowStart, DoublesTheWindowEachRound) {
  for (const auto algorithm : {kCubic, kNewReno}) {
    Sender sender(algorithm);
    for (const std::uint32_t expected : {20u, 40u, 80u, 160u}) {
      sender.round();
      EXPECT_EQ(sender.segments(), expected);
    }
    EXPECT_TRUE(sender.cc.in_slow_start());
  }
}

TEST(SlowStart, ACoalescedAckAddsOneLargePacketAtMost) {
  Sender sender(kCubic);
  for (int i = 0; i < 5; ++i) sender.round();
  EXPECT_EQ(sender.segments(), 320u);
  sender.ack(300'000, 320'000);
  EXPECT_EQ(sender.cc.cwnd(), 320'000u + 65'536u);
}

TEST(SlowStart, DoesNotGrowWhatTheApplicationDoesNotUse) {
  for (const auto algorithm : {kCubic, kNewReno}) {
    Sender sender(algorithm);
    for (int i = 0; i < 10; ++i) sender.round(false);
    EXPECT_EQ(sender.segments(), 10u);
  }
}

TEST(SlowStart, EndsAtTheThresholdExactly) {
  Sender sender(kNewReno);
  sender.cc.on_timeout(25'000, false, sender.una);
  sender.cc.set_cwnd(4'500);
  EXPECT_EQ(sender.cc.ssthresh(), 5'000u);
  sender.ack(2'000, 4'500);
  EXPECT_EQ(sender.cc.cwnd(), 5'000u);
  EXPECT_FALSE(sender.cc.in_slow_start());
}

TEST(HyStart, ARisingRoundTripEndsSlowStartWithoutLossAfterFiveGentleRounds) {
  Sender sender(kCubic);
  sender.round();
  sender.round();  // 40 segments, 20 ACKs per round
  EXPECT_EQ(sender.segments(), 40u);
  sender.rtt = milliseconds(60);  // more than 50 + 50/8
  sender.round();
  const std::uint32_t entered = sender.segments();
  EXPECT_LT(entered, 80u) << "the growth of a quarter began within the round";
  int rounds = 0;
  while (sender.cc.in_slow_start() && rounds < 20) {
    const std::uint32_t before = sender.cc.cwnd();
    sender.round();
    EXPECT_LE(sender.cc.cwnd(), before + before / 4 + 2 * kMss);
    ++rounds;
  }
  EXPECT_LE(rounds, 5);
  EXPECT_GE(rounds, 4);
  EXPECT_LT(sender.cc.ssthresh(), 400'000u);
}

TEST(HyStart, ARiseThatWasNoiseLetsSlowStartGoOn) {
  Sender sender(kCubic);
  sender.round();
  sender.round();
  sender.rtt = milliseconds(60);
  sender.round();
  sender.rtt = milliseconds(50);
  sender.round();
  sender.round();
  const std::uint32_t before = sender.cc.cwnd();
  sender.round();
  EXPECT_NEAR(sender.cc.cwnd(), 2 * before, before / 8.0);
  for (int i = 0; i < 8; ++i) sender.round();
  EXPECT_TRUE(sender.cc.in_slow_start());
}

TEST(HyStart, ASmallRiseOrFewSamplesDoNotCount) {
  Sender small(kCubic);
  small.round();
  small.round();
  // The rise is below the minimum threshold of 4 ms and below an eighth.
  small.rtt = milliseconds(53);
  small.round();
  EXPECT_EQ(small.segments(), 80u);

  Sender few(kCubic);
  few.round();  // 5 ACKs
  few.rtt = milliseconds(200);
  few.ack(5'000, 20'000);
  few.ack(5'000, 25'000);
  few.ack(5'000, 30'000);
  few.ack(5'000, 35'000);
  EXPECT_EQ(few.segments(), 40u);
}

TEST(HyStart, IsForTheFirstSlowStartOnly) {
  Sender sender(kNewReno);
  for (int i = 0; i < 5; ++i) sender.round();
  sender.cc.on_timeout(sender.cc.cwnd(), false, sender.una);
  sender.cc.set_cwnd(20'000);
  sender.rtt = milliseconds(50);
  sender.round();
  sender.rtt = milliseconds(150);
  const std::uint32_t before = sender.cc.cwnd();
  sender.round();
  EXPECT_EQ(sender.cc.cwnd(), 2 * before);
}

TEST(NewReno, HalvesOnLossAndGrowsByOneSegmentARound) {
  Sender sender(kNewReno);
  for (int i = 0; i < 3; ++i) sender.round();
  sender.lose();
  EXPECT_EQ(sender.segments(), 40u);
  EXPECT_FALSE(sender.cc.in_slow_start());
  for (std::uint32_t i = 1; i <= 10; ++i) {
    sender.round();
    EXPECT_NEAR(sender.cc.cwnd(), (40 + i) * kMss, kMss / 2.0);
  }
}

TEST(NewReno, CountsBytesNotAcks) {
  Sender coarse(kNewReno);
  Sender fine(kNewReno);
  for (Sender* sender : {&coarse, &fine}) {
    sender->cc.on_loss(80'000);
    sender->cc.set_cwnd(40'000);
  }
  coarse.ack(40'000, 40'000);
  for (int i = 0; i < 40'000 / 100; ++i) fine.ack(100, 40'000);
  EXPECT_EQ(coarse.cc.cwnd(), 41'000u);
  EXPECT_NEAR(fine.cc.cwnd(), 41'000, 20);
}

TEST(Congestion, TheThresholdIsNeverBelowTwoSegments) {
  for (const auto algorithm : {kCubic, kNewReno}) {
    for (const auto lose : {+[](CongestionControl& cc) { cc.on_loss(500); },
                            +[](CongestionControl& cc) { cc.on_ecn_echo(500); },
                            +[](CongestionControl& cc) { cc.on_timeout(500, false, 0); }}) {
      CongestionControl cc(algorithm, kMss);
      lose(cc);
      EXPECT_EQ(cc.ssthresh(), 2 * kMss);
    }
  }
}

TEST(Congestion, WhatWasNotInFlightDoesNotCountForTheThreshold) {
  CongestionControl cc(kNewReno, kMss);
  cc.on_loss(8'000);
  EXPECT_EQ(cc.ssthresh(), 4'000u);
}

TEST(Timeout, StartsWithOneSegmentAndGrowsBySegmentsUntilTheFlightIsAcknowledged) {
  for (const auto algorithm : {kCubic, kNewReno}) {
    Sender sender(algorithm);
    for (int i = 0; i < 3; ++i) sender.round();
    const std::uint32_t nxt = sender.una + 80'000;
    sender.cc.on_timeout(80'000, false, nxt);
    EXPECT_EQ(sender.segments(), 1u);
    EXPECT_EQ(sender.cc.ssthresh(), algorithm == kCubic ? 56'000u : 40'000u);
    sender.ack(10'000, 80'000);
    EXPECT_EQ(sender.segments(), 2u) << "one ACK of ten segments grows by one";
    sender.ack(68'000, 70'000);
    EXPECT_EQ(sender.segments(), 3u);
    sender.ack(2'000, 2'000);  // everything sent so far
    sender.ack(4'000, 10'000);
    EXPECT_GE(sender.segments(), 8u);
  }
}

TEST(Timeout, ARepeatedTimeoutHoldsTheThreshold) {
  Sender sender(kNewReno);
  sender.cc.on_timeout(40'000, false, 0);
  EXPECT_EQ(sender.cc.ssthresh(), 5'000u);
  sender.cc.on_timeout(40'000, true, 0);
  sender.cc.on_timeout(40'000, true, 0);
  EXPECT_EQ(sender.cc.ssthresh(), 5'000u);
  EXPECT_EQ(sender.segments(), 1u);
}

TEST(Ecn, LowersTheWindowAtOnceAndCannotBeUndone) {
  for (const auto algorithm : {kCubic, kNewReno}) {
    Sender sender(algorithm);
    for (int i = 0; i < 3; ++i) sender.round();
    sender.cc.on_ecn_echo(80'000);
    EXPECT_EQ(sender.segments(), algorithm == kCubic ? 56u : 40u);
    sender.cc.undo();
    EXPECT_EQ(sender.segments(), algorithm == kCubic ? 56u : 40u);
  }
}

TEST(Undo, GivesBackWindowThresholdAndSlowStart) {
  for (const auto algorithm : {kCubic, kNewReno}) {
    Sender sender(algorithm);
    for (int i = 0; i < 3; ++i) sender.round();
    const std::uint32_t threshold = sender.cc.ssthresh();
    sender.cc.on_loss(80'000);
    sender.cc.set_cwnd(60'000);
    sender.cc.undo();
    EXPECT_EQ(sender.segments(), 80u);
    EXPECT_EQ(sender.cc.ssthresh(), threshold);
    sender.round();
    EXPECT_EQ(sender.segments(), 160u);
    sender.cc.undo();
    EXPECT_EQ(sender.segments(), 160u) << "once only";
  }
}

TEST(Undo, OfATimeoutRestoresTheCurveOfCubic) {
  Sender sender(kCubic);
  for (int i = 0; i < 4; ++i) sender.round();
  sender.lose();
  for (int i = 0; i < 20; ++i) sender.round();
  Sender other = sender;
  sender.cc.on_timeout(sender.cc.cwnd(), false, sender.una);
  sender.cc.undo();
  for (int i = 0; i < 20; ++i) {
    sender.round();
    other.round();
  }
  EXPECT_NEAR(sender.cc.cwnd(), other.cc.cwnd(), 2.0 * kMss);
}

TEST(Idle, HalvesTheWindowForEachTimeoutDownToTheInitialOne) {
  for (const auto algorithm : {kCubic, kNewReno}) {
    Sender sender(algorithm);
    for (int i = 0; i < 3; ++i) sender.round();
    Sender once = sender;
    once.cc.after_idle(milliseconds(199), milliseconds(200), once.now);
    EXPECT_EQ(once.segments(), 80u);
    once.cc.after_idle(milliseconds(399), milliseconds(200), once.now);
    EXPECT_EQ(once.segments(), 40u);
    once.cc.after_idle(seconds(3600), milliseconds(200), once.now);
    EXPECT_EQ(once.segments(), 10u);
    EXPECT_TRUE(once.cc.in_slow_start());
  }
}

TEST(Idle, RemembersThreeQuartersOfTheWindowInTheThreshold) {
  Sender sender(kNewReno);
  for (int i = 0; i < 4; ++i) sender.round();
  sender.lose();
  EXPECT_EQ(sender.cc.cwnd(), 80'000u);
  for (int i = 0; i < 40; ++i) sender.round();
  const std::uint32_t grown = sender.cc.cwnd();
  sender.cc.after_idle(seconds(10), milliseconds(200), sender.now);
  EXPECT_EQ(sender.cc.cwnd(), 10'000u);
  EXPECT_EQ(sender.cc.ssthresh(), std::max(80'000u, grown / 4 * 3));
}

TEST(Idle, AWindowBelowTheInitialOneStays) {
  Sender sender(kNewReno);
  sender.cc.on_timeout(10'000, false, 0);
  sender.cc.after_idle(seconds(10), milliseconds(200), sender.now);
  EXPECT_EQ(sender.segments(), 1u);
}

// RFC 9438 figure 1: W_cubic(t) = C (t - K)^3 + W_max, K = cbrt((W_max - cwnd_epoch) / C), with
// segments and seconds.
TEST(Cubic, FollowsItsCurveBackToThePlateauAndBeyond) {
  Sender sender(kCubic);
  sender.rtt = milliseconds(100);
  for (int i = 0; i < 7; ++i) sender.round();  // 1280 segments
  ASSERT_EQ(sender.segments(), 1280u);
  sender.lose();
  EXPECT_EQ(sender.segments(), 896u);
  const double w_max = 1280;
  const double k = std::cbrt((w_max - 896) / 0.4);  // 9.86 s
  const Instant epoch = sender.now;
  double worst = 0;
  for (int i = 0; i < 200; ++i) {
    sender.round();
    const double t = static_cast<double>((sender.now - epoch).us()) / 1e6;
    const double expected = 0.4 * std::pow(t - k, 3) + w_max;
    worst = std::max(worst, std::abs(sender.cc.cwnd() / 1000.0 / expected - 1));
  }
  EXPECT_LT(worst, 0.02);
  EXPECT_GT(sender.segments(), 1280u);
}

TEST(Cubic, IsAsFastAsRenoWhereItsOwnCurveWouldBeSlower) {
  // A short round trip: the curve needs K = cbrt(12/0.4) = 3.1 s; Reno's average of 9/17 of a
  // segment per round is faster.
  Sender sender(kCubic);
  sender.rtt = milliseconds(5);
  for (int i = 0; i < 2; ++i) sender.round();
  ASSERT_EQ(sender.segments(), 40u);
  sender.lose();
  EXPECT_EQ(sender.segments(), 28u);
  for (int i = 0; i < 17; ++i) sender.round();
  EXPECT_NEAR(sender.cc.cwnd(), 28'000 + 9'000, 1'000)
      << "9/17 of a segment a round until the loss's window";
  while (sender.cc.cwnd() < 42'000) sender.round();
  const std::uint32_t before = sender.cc.cwnd();
  for (int i = 0; i < 10; ++i) sender.round();
  EXPECT_NEAR(sender.cc.cwnd(), before + 10'000, 1'500) << "then one a round";
}

TEST(Cubic, ConvergesFastWhenALossComesBeforeThePlateau) {
  Sender sender(kCubic);
  sender.rtt = milliseconds(100);
  for (int i = 0; i < 7; ++i) sender.round();
  sender.lose();  // plateau 1280, window 896
  sender.lose();  // plateau 896 * 0.85 = 761, window 627
  EXPECT_EQ(sender.segments(), 627u);
  const double k = std::cbrt((761.6 - 627.2) / 0.4);
  const Instant epoch = sender.now;
  while ((sender.now - epoch).ms() < static_cast<std::int64_t>(k * 1000)) sender.round();
  EXPECT_NEAR(sender.cc.cwnd(), 761'600, 8'000);
}

TEST(Cubic, GrowsByHalfAWindowARoundAtMost) {
  Sender sender(kCubic);
  sender.rtt = seconds(10);  // the curve rises far between two ACKs
  for (int i = 0; i < 3; ++i) sender.round();
  sender.lose();
  for (int i = 0; i < 6; ++i) {
    const std::uint32_t before = sender.cc.cwnd();
    sender.round();
    EXPECT_LE(sender.cc.cwnd(), before + before / 2 + 5 * kMss) << i;
  }
}

TEST(Cubic, TheCurvesTimeStandsStillWhileTheApplicationIsTheLimit) {
  Sender sender(kCubic);
  sender.rtt = milliseconds(100);
  for (int i = 0; i < 7; ++i) sender.round();
  sender.lose();
  for (int i = 0; i < 20; ++i) sender.round();
  const std::uint32_t before = sender.cc.cwnd();
  for (int i = 0; i < 300; ++i) sender.round(false);  // 30 s
  EXPECT_EQ(sender.cc.cwnd(), before);
  sender.round();
  EXPECT_LT(sender.cc.cwnd(), before + 40 * kMss) << "no leap to where the curve would be by now";
}

TEST(Cubic, AfterATimeoutTheCurveBeginsFlatWhereSlowStartEnds) {
  Sender sender(kCubic);
  sender.rtt = milliseconds(100);
  for (int i = 0; i < 7; ++i) sender.round();
  sender.cc.on_timeout(sender.cc.cwnd(), false, sender.una);
  sender.una += 1;
  while (sender.cc.in_slow_start()) sender.round();
  EXPECT_EQ(sender.segments(), 896u);
  const Instant epoch = sender.now;
  while ((sender.now - epoch) < seconds(5)) sender.round();
  EXPECT_NEAR(sender.cc.cwnd(), 896'000 + 0.4 * 125 * 1000, 8'000);
}

TEST(Congestion, TheAlgorithmCanBeChangedWhileDataFlows) {
  Sender sender(kCubic);
  for (int i = 0; i < 3; ++i) sender.round();
  sender.lose();
  sender.cc.set_algorithm(kNewReno);
  EXPECT_EQ(sender.segments(), 56u);
  sender.round();
  EXPECT_NEAR(sender.cc.cwnd(), 57'000, 100);
  sender.lose();
  EXPECT_EQ(sender.segments(), 28u);
}

TEST(Congestion, NoWindowGrowsBeyondWhatAPeerCanOffer) {
  for (const auto algorithm : {kCubic, kNewReno}) {
    CongestionControl cc(algorithm, 65'495);
    cc.set_cwnd(0xffffffff);
    EXPECT_EQ(cc.cwnd(), 1u << 30);
    for (int i = 0; i < 100; ++i) {
      cc.on_ack({.acked = 1u << 30, .srtt = milliseconds(1)}, Instant{} + seconds(1000 * i));
      EXPECT_LE(cc.cwnd(), 1u << 30);
    }
    cc.on_loss(1u << 30);
    cc.on_recovered();
    for (int i = 0; i < 100; ++i) {
      cc.on_ack({.acked = 1u << 30, .srtt = milliseconds(1)},
                Instant{} + seconds(200'000 + 10'000 * i));
      EXPECT_LE(cc.cwnd(), 1u << 30);
    }
  }
}

TEST(Pacing, IsTwiceTheWindowARoundInSlowStartAndAFifthMoreThanItAfterwards) {
  Sender sender(kNewReno);
  EXPECT_EQ(sender.cc.pacing_rate({}), 0u);
  EXPECT_EQ(sender.cc.pacing_rate(milliseconds(100)), 200'000u);
  sender.lose();
  EXPECT_EQ(sender.cc.pacing_rate(milliseconds(100)), 60'000u);
}

}  // namespace
}  // namespace fata::tcp
