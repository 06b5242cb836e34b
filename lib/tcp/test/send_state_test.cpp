#include "fata/tcp/send_state.hpp"

#include <gtest/gtest.h>

namespace fata::tcp {
namespace {

Header segment(Seq seq, Seq ack, std::uint16_t window, std::uint8_t flags = kAck) {
  Header header;
  header.seq = seq;
  header.ack = ack;
  header.window = window;
  header.flags = flags;
  return header;
}

// After the handshake, with a peer whose SYN had number 500, whose window is 1000 and whose window
// scale is 2.
SendState established(Seq iss) {
  SendState state;
  state.start(iss);
  state.on_syn(segment(500, iss + 1, 250, kSyn | kAck));
  state.shift = 2;
  state.on_syn_acked();
  state.set_window(segment(501, iss + 1, 250));
  return state;
}

TEST(SendState, CountsTheSynAsOneSequenceNumber) {
  SendState state;
  state.start(100);
  EXPECT_EQ(state.una, 100u);
  EXPECT_EQ(state.nxt, 101u);
  EXPECT_TRUE(state.is_outstanding(100));
  state.on_syn_acked();
  EXPECT_EQ(state.una, 101u);
  EXPECT_FALSE(state.is_outstanding(100));
  EXPECT_FALSE(state.is_outstanding(101)) << "not sent yet";
}

TEST(SendState, DoesNotScaleTheWindowOfASyn) {
  SendState state;
  state.start(100);
  state.shift = 7;
  state.on_syn(segment(500, 0, 1000, kSyn));
  EXPECT_EQ(state.wnd, 1000u);
  EXPECT_EQ(state.wl2, 100u) << "a SYN without ACK acknowledges nothing";
  EXPECT_FALSE(state.update_window(segment(499, 101, 2000))) << "older than the SYN";
  EXPECT_TRUE(state.update_window(segment(501, 101, 1000)));
  EXPECT_EQ(state.wnd, 128'000u);
}

TEST(SendState, TakesNoWindowFromAnOldSegment) {
  for (const Seq iss : {Seq{100}, Seq{0xffff'fff0}}) {
    SendState state = established(iss);
    EXPECT_TRUE(state.update_window(segment(600, iss + 10, 300)));
    EXPECT_EQ(state.wnd, 1200u);
    EXPECT_FALSE(state.update_window(segment(599, iss + 10, 10))) << "an older sequence number";
    EXPECT_FALSE(state.update_window(segment(600, iss + 9, 10))) << "an older ACK";
    EXPECT_EQ(state.wnd, 1200u);
    EXPECT_TRUE(state.update_window(segment(600, iss + 10, 299))) << "the same numbers are news";
    EXPECT_TRUE(state.update_window(segment(601, iss + 9, 298))) << "newer data counts first";
    EXPECT_FALSE(state.update_window(segment(700, iss + 20, 298))) << "no change";
    EXPECT_FALSE(state.update_window(segment(650, iss + 20, 10))) << "but it was the last update";
  }
}

TEST(SendState, AcceptsAcksOfTheLargestWindowSoFar) {
  for (const Seq iss : {Seq{100'000}, Seq{0xffff'fe00}}) {
    SendState state = established(iss);
    state.nxt = iss + 5001;
    state.una = iss + 4001;
    ASSERT_TRUE(state.update_window(segment(502, iss + 4001, 25)));
    EXPECT_EQ(state.max_wnd, 1000u) << "a smaller window does not shrink it";
    EXPECT_TRUE(state.plausible_ack(state.nxt));
    EXPECT_FALSE(state.plausible_ack(state.nxt + 1)) << "not sent";
    EXPECT_TRUE(state.plausible_ack(state.una - 1000));
    EXPECT_FALSE(state.plausible_ack(state.una - 1001));
  }
  SendState closed;
  closed.start(100);
  EXPECT_TRUE(closed.plausible_ack(99)) << "at least one byte, before any window is known";
  EXPECT_FALSE(closed.plausible_ack(98));
}

TEST(SendState, MaySendUpToTheRightEdgeOfTheWindow) {
  for (const Seq iss : {Seq{100}, Seq{0xffff'fff0}}) {
    SendState state = established(iss);
    EXPECT_EQ(state.usable_window(), 1000u);
    state.nxt += 400;
    EXPECT_EQ(state.usable_window(), 600u);
    state.nxt += 600;
    EXPECT_EQ(state.usable_window(), 0u);
    ASSERT_TRUE(state.update_window(segment(502, iss + 1, 100)));
    EXPECT_EQ(state.usable_window(), 0u) << "the peer has shrunk the window below sent data";
    state.una = state.nxt;
    EXPECT_EQ(state.usable_window(), 400u);
  }
}

}  // namespace
}  // namespace fata::tcp
