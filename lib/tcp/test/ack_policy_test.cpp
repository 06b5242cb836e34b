#include "fata/tcp/ack_policy.hpp"

#include <gtest/gtest.h>

namespace fata::tcp {
namespace {

constexpr std::uint32_t kMss = 1000;
constexpr Duration kDelay = milliseconds(40);
constexpr Instant kNow{1'000'000'000};

// A receiver whose RCV.NXT advances as data arrives.
struct Receiver {
  AckPolicy acks;
  Seq nxt;

  explicit Receiver(Seq from = 0xffff'ff00) : nxt(from) { acks.start(nxt); }
  bool receive(std::uint32_t bytes, Instant now = kNow) {
    nxt += bytes;
    return acks.on_data(nxt, kMss, now, kDelay);
  }
  // Whether the batch ends with an ACK, which is then sent.
  bool end_batch() {
    acks.on_end_of_batch();
    if (!acks.is_required()) return false;
    acks.on_ack_sent(nxt);
    return true;
  }
};

TEST(AckPolicy, AcknowledgesTheFirstFullSegmentsOneByOneAtTheEndOfTheirBatch) {
  Receiver receiver;
  for (int i = 0; i < AckPolicy::kQuick; ++i) {
    EXPECT_FALSE(receiver.receive(kMss)) << "not before the end of the batch";
    EXPECT_TRUE(receiver.end_batch()) << i;
  }
  EXPECT_FALSE(receiver.receive(kMss));
  EXPECT_FALSE(receiver.end_batch()) << "the next single segment waits";
  EXPECT_EQ(receiver.acks.deadline(), kNow + kDelay);
}

TEST(AckPolicy, AcknowledgesEverySecondFullSegmentAfterThat) {
  Receiver receiver;
  receiver.acks.on_data_sent();  // replies end the quick ACKs
  EXPECT_FALSE(receiver.receive(kMss));
  EXPECT_FALSE(receiver.acks.is_required());
  EXPECT_TRUE(receiver.acks.is_owed());
  EXPECT_FALSE(receiver.receive(kMss));
  EXPECT_TRUE(receiver.end_batch());
  EXPECT_FALSE(receiver.acks.is_owed());
  EXPECT_TRUE(receiver.acks.deadline().is_never()) << "the ACK replaces the delayed one";
  EXPECT_EQ(receiver.acks.last_sent(), receiver.nxt);
}

TEST(AckPolicy, DelaysTheAckOfLessThanTwoSegmentsFromTheFirstOfThem) {
  Receiver receiver;
  EXPECT_FALSE(receiver.receive(10));
  EXPECT_FALSE(receiver.receive(10, kNow + milliseconds(30)));
  EXPECT_EQ(receiver.acks.deadline(), kNow + kDelay) << "more data does not extend the delay";
  EXPECT_FALSE(receiver.acks.on_timer(kNow + (kDelay - nanoseconds(1))));
  EXPECT_TRUE(receiver.acks.on_timer(kNow + kDelay));
  EXPECT_FALSE(receiver.acks.on_timer(kNow + kDelay)) << "once";
  receiver.acks.on_ack_sent(receiver.nxt);
  EXPECT_FALSE(receiver.acks.on_data(receiver.nxt, kMss, kNow, kDelay));
  EXPECT_FALSE(receiver.acks.is_owed()) << "nothing new";
}

TEST(AckPolicy, NeedsNoAckWhenASegmentWithDataHasCarriedIt) {
  Receiver receiver;
  EXPECT_FALSE(receiver.receive(10));
  receiver.acks.on_ack_sent(receiver.nxt);
  receiver.acks.on_data_sent();
  EXPECT_FALSE(receiver.acks.is_owed());
  EXPECT_FALSE(receiver.acks.on_timer(kNow + seconds(10)));
}

TEST(AckPolicy, AcknowledgesOutOfOrderDataAtOnceAndWithSackOnlyTwiceInABatch) {
  Receiver receiver;
  for (int batch = 0; batch < 3; ++batch) {
    EXPECT_TRUE(receiver.acks.on_out_of_order(true));
    EXPECT_TRUE(receiver.acks.on_out_of_order(true));
    EXPECT_FALSE(receiver.acks.on_out_of_order(true));
    EXPECT_TRUE(receiver.end_batch()) << "one ACK reports the rest";
  }
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(receiver.acks.on_out_of_order(false)) << "each duplicate ACK counts";
  EXPECT_FALSE(receiver.end_batch());
}

TEST(AckPolicy, AcknowledgesAtOnceWhenAHoleIsFilledAndMoreOftenAfterwards) {
  Receiver receiver;
  receiver.acks.on_data_sent();
  receiver.acks.on_hole_filled();
  EXPECT_TRUE(receiver.end_batch());
  EXPECT_FALSE(receiver.receive(kMss));
  EXPECT_TRUE(receiver.end_batch()) << "single segments are acknowledged again";
  // Small flights are acknowledged within their batch, but at most twice.
  EXPECT_TRUE(receiver.receive(2 * kMss));
  receiver.acks.on_ack_sent(receiver.nxt);
  EXPECT_TRUE(receiver.receive(4 * kMss));
  receiver.acks.on_ack_sent(receiver.nxt);
  EXPECT_FALSE(receiver.receive(2 * kMss));
  EXPECT_TRUE(receiver.end_batch());
  EXPECT_FALSE(receiver.receive(5 * kMss)) << "a large flight does not depend on one ACK";
  EXPECT_TRUE(receiver.end_batch());
  int at_once = 2;
  for (int i = 0; i < 1000; ++i) {
    if (receiver.receive(2 * kMss)) ++at_once, receiver.acks.on_ack_sent(receiver.nxt);
    receiver.end_batch();
  }
  EXPECT_EQ(at_once, AckPolicy::kCareful);
}

TEST(AckPolicy, SendsARequiredAckWithTheBatchWhateverElseArrives) {
  Receiver receiver;
  receiver.acks.on_data_sent();
  receiver.acks.require();
  EXPECT_TRUE(receiver.acks.is_required());
  EXPECT_FALSE(receiver.receive(10));
  EXPECT_TRUE(receiver.acks.deadline().is_never()) << "no delayed ACK besides";
  EXPECT_TRUE(receiver.end_batch());
  EXPECT_FALSE(receiver.end_batch());
}

TEST(AckPolicy, OwesNothingAfterTheConnectionHasEnded) {
  Receiver receiver;
  receiver.acks.require();
  receiver.acks.cancel();
  EXPECT_FALSE(receiver.end_batch());
  EXPECT_FALSE(receiver.receive(10));
  receiver.acks.cancel();
  EXPECT_TRUE(receiver.acks.deadline().is_never());
  EXPECT_FALSE(receiver.acks.is_owed());
}

}  // namespace
}  // namespace fata::tcp
