#include "fata/tcp/prr.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fata::tcp {
namespace {

constexpr std::uint32_t kMss = 1000;

// A sender's recovery: on each ACK, some segments are delivered and as many as allowed are sent.
struct Sender {
  Prr prr;
  std::uint32_t pipe;
  std::uint32_t ssthresh;

  std::uint32_t ack(std::uint32_t segments, bool good = true, std::uint32_t most = 1000) {
    const std::uint32_t delivered = segments * kMss;
    pipe -= delivered;
    const std::uint32_t cwnd = prr.on_ack(delivered, pipe, ssthresh, kMss, good);
    const std::uint32_t sent = std::min((cwnd - pipe) / kMss, most);
    prr.on_sent(sent * kMss);
    pipe += sent * kMss;
    return sent;
  }
};

TEST(Prr, HalvesBySendingOneSegmentForEachTwoDelivered) {
  // RFC 6937's first example: 20 segments, one lost, ssthresh 10.
  Sender sender{{}, 19'000, 10'000};
  sender.prr.start(20'000);
  std::vector<std::uint32_t> each;
  for (int ack = 0; ack < 18; ++ack) each.push_back(sender.ack(1));
  EXPECT_EQ(each[0], 1u) << "the lost segment goes out at once";
  for (std::size_t i = 1; i < each.size(); ++i) EXPECT_LE(each[i], 1u) << "no burst";
  EXPECT_LE(sender.pipe, 10'000u);
  EXPECT_GE(sender.pipe, 9'000u);
}

TEST(Prr, ReducesToSeventyPercentInProportion) {
  Sender sender{{}, 99'000, 70'000};
  sender.prr.start(100'000);
  std::uint32_t sent = 0;
  for (int ack = 0; ack < 29; ++ack) sent += sender.ack(1);
  EXPECT_NEAR(sent, 29 * 0.7, 1.0);
  EXPECT_GT(sender.pipe, 70'000u);
}

TEST(Prr, TheFirstTransmissionIsForcedEvenIfTheWindowHasNoRoom) {
  Prr prr;
  prr.start(10'000);
  EXPECT_EQ(prr.on_ack(0, 9'000, 5'000, kMss, false), 10'000u);
  prr.on_sent(kMss);
  EXPECT_EQ(prr.on_ack(0, 10'000, 5'000, kMss, false), 10'000u);
}

TEST(Prr, BelowTheThresholdDeliversOneForOneAndOneMoreIfRecoveryGoesWell) {
  // Many were lost: pipe 4 of 20, ssthresh 10.
  Prr prr;
  prr.start(20'000);
  EXPECT_EQ(prr.on_ack(1'000, 4'000, 10'000, kMss, false), 5'000u) << "conservation of packets";
  prr.on_sent(1'000);
  EXPECT_EQ(prr.on_ack(1'000, 4'000, 10'000, kMss, true), 6'000u) << "slow start";
  prr.on_sent(2'000);
  EXPECT_EQ(prr.on_ack(1'000, 5'000, 10'000, kMss, true), 7'000u);
}

TEST(Prr, NeverGoesPastTheThreshold) {
  Prr prr;
  prr.start(20'000);
  prr.on_sent(1'000);
  EXPECT_EQ(prr.on_ack(8'000, 9'500, 10'000, kMss, true), 10'000u);
}

TEST(Prr, WhatTheApplicationDidNotUseIsMadeUpForBelowTheThresholdOnly) {
  Sender sender{{}, 19'000, 10'000};
  sender.prr.start(20'000);
  for (int ack = 0; ack < 10; ++ack) sender.ack(1, true, 0);  // nothing to send
  EXPECT_EQ(sender.pipe, 9'000u);
  EXPECT_EQ(sender.ack(1), 2u) << "up to ssthresh, no further";
  EXPECT_EQ(sender.pipe, 10'000u);
}

TEST(Prr, ANewRecoveryStartsFromNothing) {
  Prr prr;
  prr.start(20'000);
  prr.on_ack(10'000, 15'000, 10'000, kMss, true);
  prr.on_sent(9'000);
  prr.start(10'000);
  EXPECT_EQ(prr.on_ack(1'000, 8'000, 5'000, kMss, true), 9'000u);
  prr.start(0);  // no division by zero
  EXPECT_EQ(prr.on_ack(0, 8'000, 5'000, kMss, true), 9'000u);
}

}  // namespace
}  // namespace fata::tcp
