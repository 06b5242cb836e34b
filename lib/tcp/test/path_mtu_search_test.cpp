#include "fata/tcp/path_mtu_search.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fata::tcp {
namespace {

constexpr std::uint16_t kLimit = 1460;
constexpr std::uint16_t kSmall = 1220;

// The sizes that a search sends on a path that carries segments of at most `path`.
std::vector<std::uint16_t> probes(PathMtuSearch& search, std::uint16_t path) {
  std::vector<std::uint16_t> sizes;
  for (int i = 0; i < 100 && search.search_high() != 0; ++i) {
    const auto size = static_cast<std::uint16_t>(search.next_size());
    sizes.push_back(size);
    search.start_probe(size, 1000);
    bool news = true;
    if (size <= path) {
      search.on_probe_acked();
    } else {
      news = search.on_probe_lost();
    }
    if (news) (void)search.finish();
  }
  return sizes;
}

PathMtuSearch after_black_hole() {
  PathMtuSearch search;
  search.begin(kSmall);
  EXPECT_EQ(search.limit(kLimit), kSmall);
  return search;
}

TEST(PathMtuSearch, TriesTheLargestSizeFirst) {
  PathMtuSearch search = after_black_hole();
  EXPECT_EQ(probes(search, kLimit), std::vector<std::uint16_t>{kLimit});
  EXPECT_EQ(search.search_low(), kLimit);
}

TEST(PathMtuSearch, FindsAnySizeToWithinTheSizeThatIsCloseEnough) {
  for (std::uint16_t path = kSmall; path <= kLimit; ++path) {
    PathMtuSearch search = after_black_hole();
    const std::size_t sent = probes(search, path).size();
    EXPECT_EQ(search.search_high(), 0) << path;
    EXPECT_LE(search.search_low(), path);
    EXPECT_GT(search.search_low() + PathMtuSearch::kCloseEnough, path);
    EXPECT_LE(sent, 10u) << "two for the limit, at most two for each of four halvings";
  }
}

TEST(PathMtuSearch, RepeatsALostProbeOnceBeforeItGivesUpTheSize) {
  PathMtuSearch search = after_black_hole();
  search.start_probe(kLimit, 1000);
  EXPECT_FALSE(search.on_probe_lost());
  EXPECT_FALSE(search.is_probing());
  EXPECT_EQ(search.next_size(), kLimit);
  search.start_probe(kLimit, 3000);
  EXPECT_TRUE(search.on_probe_lost());
  EXPECT_EQ(search.search_high(), kLimit - 1);
  EXPECT_EQ(search.next_size(), (kSmall + kLimit - 1 + 1) / 2);
}

TEST(PathMtuSearch, FinishesWithAResultToShareOnlyIfThePathCarriesLessThanTheLimit) {
  PathMtuSearch all = after_black_hole();
  all.start_probe(kLimit, 1000);
  all.on_probe_acked();
  EXPECT_FALSE(all.finish());
  EXPECT_EQ(all.search_high(), 0);

  PathMtuSearch less;
  less.begin(kSmall);
  (void)less.limit(kSmall + PathMtuSearch::kCloseEnough);
  EXPECT_FALSE(less.finish()) << "one more than close enough";
  for (int i = 0; i < 2; ++i) {
    less.start_probe(static_cast<std::uint16_t>(less.next_size()), 1000);
    EXPECT_EQ(less.on_probe_lost(), i == 1);
  }
  EXPECT_TRUE(less.finish());
  EXPECT_EQ(less.search_low(), kSmall);
}

TEST(PathMtuSearch, KnowsItsProbeByItsEnd) {
  PathMtuSearch search = after_black_hole();
  EXPECT_FALSE(search.is_probe(0)) << "there is none";
  EXPECT_FALSE(search.is_probe_acked(0));
  constexpr Seq kEnd = 5;  // it wraps
  search.start_probe(1400, kEnd);
  EXPECT_EQ(search.probed_size(), 1400);
  EXPECT_TRUE(search.is_probe(kEnd));
  EXPECT_FALSE(search.is_probe(kEnd - 1));
  EXPECT_FALSE(search.is_probe_acked(kEnd - 10));
  EXPECT_TRUE(search.is_probe_acked(kEnd));
  EXPECT_TRUE(search.is_probe_acked(kEnd + 100));
  search.abandon_probe();
  EXPECT_FALSE(search.is_probe(kEnd));
}

TEST(PathMtuSearch, FollowsALimitThatShrinksAndKeepsItsResultWhenThatGrows) {
  PathMtuSearch search = after_black_hole();
  search.start_probe(kLimit, 1000);
  EXPECT_EQ(search.limit(1300), kSmall);
  EXPECT_EQ(search.search_high(), 1300);
  EXPECT_TRUE(search.is_probing());
  EXPECT_EQ(search.limit(1400), kSmall) << "a larger limit does not restart a running search";
  EXPECT_EQ(search.search_high(), 1300);
  EXPECT_EQ(search.limit(1000), 1000) << "below what was known to pass";
  EXPECT_FALSE(search.is_probing());
  EXPECT_EQ(search.search_high(), 0);
  EXPECT_EQ(search.limit(1400), 1000) << "what is known to pass is used until more is found";
  EXPECT_EQ(search.next_size(), 1400u);
}

TEST(PathMtuSearch, BeginsWithABlackHoleAndHasNothingToFindIfTheLimitIsThatSmall) {
  PathMtuSearch search;
  EXPECT_FALSE(search.has_begun());
  search.begin(kSmall);
  EXPECT_TRUE(search.has_begun());
  EXPECT_EQ(search.limit(kSmall), kSmall);
  EXPECT_EQ(search.search_high(), 0);
}

TEST(PathMtuSearch, GoesOnWhereItWasIfTheLimitStays) {
  PathMtuSearch search = after_black_hole();
  search.start_probe(kLimit, 1000);
  EXPECT_FALSE(search.on_probe_lost());
  EXPECT_EQ(search.limit(kLimit), kSmall);
  search.start_probe(kLimit, 1000);
  EXPECT_TRUE(search.on_probe_lost()) << "the second loss of this size";
  EXPECT_EQ(search.limit(kLimit - 1), kSmall);
  EXPECT_LT(search.next_size(), kLimit - 1u) << "not the largest again";
}

TEST(PathMtuSearch, CountsTheLossesOfEachSizeAnew) {
  PathMtuSearch search = after_black_hole();
  search.start_probe(kLimit, 1000);
  EXPECT_FALSE(search.on_probe_lost());
  EXPECT_EQ(search.limit(1400), kSmall);
  search.start_probe(1400, 1000);
  EXPECT_FALSE(search.on_probe_lost()) << "the first loss of the new limit";
  search.start_probe(1400, 1000);
  EXPECT_TRUE(search.on_probe_lost());
  search.start_probe(1300, 1000);
  EXPECT_FALSE(search.on_probe_lost());
  search.start_probe(1300, 1000);
  search.on_probe_acked();
  search.start_probe(1350, 1000);
  EXPECT_FALSE(search.on_probe_lost()) << "after a size that passed in the end";
}

TEST(PathMtuSearch, HalvesTheRestAfterAProbeThatWasSentUnderAnotherLimit) {
  PathMtuSearch search = after_black_hole();
  search.start_probe(1300, 1000);
  EXPECT_EQ(search.limit(1400), kSmall);
  search.on_probe_acked();
  EXPECT_EQ(search.next_size(), 1350u);
}

TEST(PathMtuSearch, DoubtsAReportBelowWhatThePathHasCarried) {
  PathMtuSearch search;
  EXPECT_FALSE(search.has_carried_more_than(500)) << "nothing was delivered yet";
  search.on_delivered(1000);
  search.on_delivered(200);
  EXPECT_TRUE(search.has_carried_more_than(999));
  EXPECT_FALSE(search.has_carried_more_than(1000));
  EXPECT_EQ(search.take_doubted_mtu(), 0);
  search.doubt(600, 77);
  EXPECT_EQ(search.doubted_at(), 77u);
  EXPECT_EQ(search.take_doubted_mtu(), 600);
  EXPECT_EQ(search.take_doubted_mtu(), 0) << "once";
  search.doubt(600, 77);
  search.forget_carried();
  EXPECT_EQ(search.take_doubted_mtu(), 0);
  EXPECT_FALSE(search.has_carried_more_than(999));
}

}  // namespace
}  // namespace fata::tcp
