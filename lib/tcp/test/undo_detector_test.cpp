#include "fata/tcp/undo_detector.hpp"

#include <gtest/gtest.h>

namespace fata::tcp {
namespace {

constexpr Seq kUna = 0xffff'ff00;
constexpr std::uint32_t kNowMs = 0xffff'fff0;

UndoDetector retransmitted(std::uint32_t bytes, bool may_undo = true) {
  UndoDetector detector;
  detector.start(kUna, may_undo);
  detector.on_retransmission(bytes, kNowMs);
  return detector;
}

TEST(UndoDetector, SeesByTheEchoThatTheOriginalHasArrived) {
  UndoDetector detector = retransmitted(1000);
  EXPECT_TRUE(detector.is_spurious(kNowMs - 1));
  EXPECT_FALSE(detector.is_spurious(kNowMs)) << "the echo of the retransmission";
  detector.on_retransmission(1000, kNowMs + 50);
  EXPECT_FALSE(detector.is_spurious(kNowMs + 10)) << "the first retransmission counts";
}

TEST(UndoDetector, NeedsARetransmissionToCompareWith) {
  UndoDetector detector;
  detector.start(kUna, true);
  EXPECT_FALSE(detector.is_spurious(kNowMs));
  detector.on_retransmission(1000, 0);
  EXPECT_TRUE(detector.is_spurious(0)) << "at clock zero, which counts as one";
}

TEST(UndoDetector, SeesThatAllRetransmissionsWereDuplicates) {
  UndoDetector detector = retransmitted(2000);
  detector.on_retransmission(500, kNowMs);
  EXPECT_FALSE(detector.on_dsack({kUna, kUna + 1000}));
  EXPECT_FALSE(detector.on_dsack({kUna + 1000, kUna + 2000}));
  EXPECT_TRUE(detector.on_dsack({kUna + 2000, kUna + 2500}));
}

TEST(UndoDetector, IgnoresDuplicatesFromBeforeTheLoss) {
  UndoDetector detector = retransmitted(1000);
  EXPECT_FALSE(detector.on_dsack({kUna - 1000, kUna}));
  EXPECT_FALSE(detector.on_dsack({kUna - 1, kUna + 999}));
  EXPECT_FALSE(detector.on_dsack({kUna, kUna + 999}));
  EXPECT_TRUE(detector.on_dsack({kUna, kUna + 999})) << "a report longer than the rest";
}

TEST(UndoDetector, UndoesNothingThatIsNotKnownOrDoneAlready) {
  UndoDetector unknown = retransmitted(1000, false);
  EXPECT_FALSE(unknown.is_spurious(kNowMs - 1));
  EXPECT_FALSE(unknown.on_dsack({kUna, kUna + 1000}));
  UndoDetector undone = retransmitted(1000);
  undone.stop();
  EXPECT_FALSE(undone.is_spurious(kNowMs - 1));
  EXPECT_FALSE(undone.on_dsack({kUna, kUna + 1000}));
  UndoDetector fresh;
  EXPECT_FALSE(fresh.is_spurious(0));
  EXPECT_FALSE(fresh.on_dsack({0, 1000})) << "before any loss";
}

TEST(UndoDetector, StartsOverWithEachLoss) {
  UndoDetector detector = retransmitted(5000);
  detector.start(kUna + 5000, true);
  EXPECT_FALSE(detector.is_spurious(kNowMs - 1));
  detector.on_retransmission(100, kNowMs + 20);
  EXPECT_TRUE(detector.is_spurious(kNowMs + 10));
  EXPECT_FALSE(detector.on_dsack({kUna, kUna + 5000})) << "of the earlier loss";
  EXPECT_TRUE(detector.on_dsack({kUna + 5000, kUna + 5100}));
}

}  // namespace
}  // namespace fata::tcp
