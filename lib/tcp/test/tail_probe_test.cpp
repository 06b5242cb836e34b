#include "fata/tcp/tail_probe.hpp"

#include <gtest/gtest.h>

namespace fata::tcp {
namespace {

constexpr Seq kEnd = 0xffff'ffff;  // SND.NXT when the probe was sent

TailProbe sent(bool is_retransmission) {
  TailProbe probe;
  probe.on_timer();
  probe.on_sent(kEnd, is_retransmission);
  return probe;
}
// Whether the probe is outstanding, in a new flight.
bool is_outstanding(TailProbe probe) {
  probe.on_advance();
  return !probe.may_be_scheduled();
}

TEST(TailProbe, IsSentOnceInAFlight) {
  TailProbe probe;
  EXPECT_TRUE(probe.may_be_scheduled());
  probe.on_timer();
  EXPECT_FALSE(probe.may_be_scheduled()) << "even if nothing could be sent";
  probe.on_advance();
  EXPECT_TRUE(probe.may_be_scheduled());
}

TEST(TailProbe, IsNotScheduledWhileOneIsOutstanding) {
  TailProbe probe = sent(true);
  EXPECT_FALSE(probe.on_ack(kEnd - 1, false)) << "an ACK in front of it";
  EXPECT_TRUE(is_outstanding(probe));
  probe.cancel();
  EXPECT_FALSE(is_outstanding(probe));
}

TEST(TailProbe, OfNewDataRepairsNothing) {
  TailProbe probe = sent(false);
  EXPECT_FALSE(probe.on_ack(kEnd, false));
  EXPECT_FALSE(is_outstanding(probe));
  probe = sent(false);
  EXPECT_FALSE(probe.on_ack(kEnd + 100, false));
  EXPECT_FALSE(is_outstanding(probe));
}

TEST(TailProbe, ThatRepeatedDataRepairedALossUnlessThePeerReportsBothCopies) {
  TailProbe probe = sent(true);
  EXPECT_FALSE(probe.on_ack(kEnd, false)) << "either copy may have arrived";
  EXPECT_TRUE(is_outstanding(probe));
  EXPECT_TRUE(probe.on_ack(kEnd + 1, false)) << "one copy has";
  EXPECT_FALSE(is_outstanding(probe));
  EXPECT_FALSE(probe.on_ack(kEnd + 1, false)) << "only one reaction";
}

TEST(TailProbe, WasUnnecessaryIfADuplicateAckFollows) {
  TailProbe probe = sent(true);
  EXPECT_FALSE(probe.on_ack(kEnd, true));
  EXPECT_FALSE(is_outstanding(probe));
  EXPECT_FALSE(probe.on_ack(kEnd + 1, false));
}

TEST(TailProbe, WasUnnecessaryIfADsackReportsIt) {
  TailProbe probe = sent(true);
  probe.on_dsack(kEnd - 100);
  EXPECT_TRUE(is_outstanding(probe)) << "a report of other data";
  probe.on_dsack(kEnd);
  EXPECT_FALSE(is_outstanding(probe));
  probe = sent(false);
  probe.on_dsack(kEnd);
  EXPECT_TRUE(is_outstanding(probe)) << "new data was not sent twice";
}

TEST(TailProbe, WasUnnecessaryIfItsAckIsRepeatedWhenNothingIsOutstanding) {
  TailProbe probe = sent(true);
  probe.on_ack_of_nothing(kEnd - 1);
  EXPECT_TRUE(is_outstanding(probe));
  probe.on_ack_of_nothing(kEnd);
  EXPECT_FALSE(is_outstanding(probe));
}

}  // namespace
}  // namespace fata::tcp
