#include "fata/bus/xen/grants.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "fata/sim/bus/xen_host.hpp"

namespace fata::bus::xen {
namespace {

constexpr std::size_t kReserved = GNTTAB_NR_RESERVED_ENTRIES;

TEST(GrantTable, ShowsTheHypervisorWhoMayDoWhatWithWhichPage) {
  sim::XenHost host;
  GrantTable table(sim::XenHost::grow);
  const auto read = table.grant(7, 0x1234, true);
  const auto write = table.grant(8, 0xffffffff, false);
  ASSERT_TRUE(read && write);
  EXPECT_NE(*read, *write);
  EXPECT_GE(std::min(*read, *write), kReserved)
      << "the first entries are the console's and xenstore's";
  EXPECT_EQ(host.entry(*read).flags, GTF_permit_access | GTF_readonly);
  EXPECT_EQ(host.entry(*read).domid, 7);
  EXPECT_EQ(host.entry(*read).frame, 0x1234U);
  EXPECT_EQ(host.entry(*write).flags, GTF_permit_access);
  EXPECT_EQ(host.entry(*write).frame, 0xffffffffU);
  EXPECT_TRUE(table.end(*read) && table.end(*write));
  EXPECT_EQ(host.entry(*read).flags, 0);
  EXPECT_EQ(table.in_use(), 0U);
}

TEST(GrantTable, RefusesAPageBeyondWhatItsEntriesCanName) {
  sim::XenHost host;
  GrantTable table(sim::XenHost::grow);
  EXPECT_FALSE(table.grant(0, std::uint64_t{1} << 32, false));
  EXPECT_EQ(table.in_use(), 0U);
}

TEST(GrantTable, AsksForFramesAsItGrowsAndRefusesWhenThereAreNoMore) {
  sim::XenHost host(3);
  GrantTable table(sim::XenHost::grow);
  std::set<GrantRef> refs;
  for (std::size_t i = 0; i < 3 * GrantTable::kPerFrame - kReserved; ++i) {
    const auto ref = table.grant(1, i, false);
    ASSERT_TRUE(ref) << i;
    ASSERT_TRUE(refs.insert(*ref).second) << "given twice";
    ASSERT_EQ(host.table_frames(), *ref / GrantTable::kPerFrame + 1)
        << "no frame before it is needed";
  }
  EXPECT_FALSE(table.grant(1, 1, false));
  EXPECT_EQ(table.in_use(), refs.size());
  ASSERT_TRUE(table.end(*refs.begin()));
  EXPECT_EQ(table.grant(1, 1, false), *refs.begin());
}

TEST(GrantTable, LeavesAGrantThatIsInUseAsItIs) {
  sim::XenHost host;
  GrantTable table(sim::XenHost::grow);
  for (const bool write : {false, true}) {
    const auto ref = table.grant(1, sim::XenHost::frame_of(&host), false);
    ASSERT_TRUE(ref);
    ASSERT_NE(host.hold(*ref, 1, write), nullptr);
    const std::uint16_t before = host.entry(*ref).flags;
    EXPECT_FALSE(table.end(*ref));
    EXPECT_EQ(host.entry(*ref).flags, before);
    EXPECT_EQ(table.in_use(), 1U);
    const auto other = table.grant(1, 1, false);
    EXPECT_NE(other, ref) << "its number is not given to anybody else";
    EXPECT_TRUE(table.end(*other));
    host.release(*ref);
    EXPECT_TRUE(table.end(*ref));
    EXPECT_EQ(table.in_use(), 0U);
  }
}

TEST(GrantTable, IsEmptyAfterAResumeWithAllItsFrames) {
  sim::XenHost host(2);
  GrantTable table(sim::XenHost::grow);
  const std::size_t all = 2 * GrantTable::kPerFrame - kReserved;
  for (std::size_t i = 0; i < all; ++i) ASSERT_TRUE(table.grant(1, i, false));
  host.move_on();
  const std::uint32_t epoch = table.epoch();
  table.resume();
  EXPECT_NE(table.epoch(), epoch) << "the numbers of before are over";
  EXPECT_EQ(table.in_use(), 0U);
  std::set<GrantRef> refs;
  for (std::size_t i = 0; i < all; ++i) {
    const auto ref = table.grant(2, i, false);
    ASSERT_TRUE(ref && refs.insert(*ref).second);
    ASSERT_EQ(host.entry(*ref).domid, 2);
  }
  EXPECT_FALSE(table.grant(2, 1, false));
}

TEST(GrantTable, LosesNoEntryInALongLife) {
  sim::XenHost host(2);
  GrantTable table(sim::XenHost::grow);
  const std::size_t all = 2 * GrantTable::kPerFrame - kReserved;
  std::mt19937 random(11);
  std::vector<GrantRef> mine;
  std::set<GrantRef> held;
  for (int step = 0; step < 50'000; ++step) {
    if (random() % 2 != 0) {
      const auto ref = table.grant(3, sim::XenHost::frame_of(&host), false);
      ASSERT_EQ(ref.has_value(), mine.size() < all);
      if (ref) mine.push_back(*ref);
    } else if (!mine.empty()) {
      std::swap(mine[random() % mine.size()], mine.back());
      const GrantRef ref = mine.back();
      if (held.erase(ref) != 0) {
        host.release(ref);
      } else if (random() % 8 == 0) {
        ASSERT_NE(host.hold(ref, 3, true), nullptr);
        held.insert(ref);
        ASSERT_FALSE(table.end(ref));
        continue;
      }
      ASSERT_TRUE(table.end(ref));
      mine.pop_back();
    }
    ASSERT_EQ(table.in_use(), mine.size());
  }
}

TEST(GrantTableDeathTest, PanicsOverAGrantThatNeverWas) {
  sim::XenHost host;
  GrantTable table(sim::XenHost::grow);
  EXPECT_DEATH(table.end(99), "a grant that never was is ended");
}

// All pages of an offer are zero, granted one by one, and writable only if that was requested.
TEST(GrantTable, OffersWholePages) {
  for (const sig::GrantAccess access : {sig::GrantAccess::kRead, sig::GrantAccess::kWrite}) {
    sim::XenHost host;
    GrantTable table(sim::XenHost::grow);
    auto offer = table.offer(7, 3, access);
    ASSERT_TRUE(offer);
    ASSERT_EQ(offer->memory().size(), 3 * sig::kGrantPage);
    ASSERT_EQ(offer->references().size(), 3U);
    EXPECT_TRUE(std::ranges::all_of(offer->memory(), [](std::byte b) { return b == std::byte{}; }));
    for (std::size_t i = 0; i < 3; ++i) {
      const GrantRef ref = offer->references()[i];
      EXPECT_EQ(host.page(ref, 7, false), &offer->memory()[i * sig::kGrantPage]);
      EXPECT_EQ(host.page(ref, 7, true) != nullptr, access == sig::GrantAccess::kWrite);
      EXPECT_EQ(host.page(ref, 8, false), nullptr);
    }
    GrantTable::Offer moved = std::move(*offer);
    EXPECT_TRUE(offer->memory().empty() && offer->take_back());
    EXPECT_TRUE(moved.take_back() && moved.references().empty());
    EXPECT_EQ(table.in_use(), 0U);
  }
}

TEST(GrantTable, KeepsAnOfferedPageUntilTheOtherSideUnmapsIt) {
  sim::XenHost host;
  GrantTable table(sim::XenHost::grow);
  GrantRef held;
  {
    auto offer = table.offer(7, 2, sig::GrantAccess::kWrite);
    ASSERT_TRUE(offer);
    held = offer->references()[1];
    std::byte* const page = host.hold(held, 7, true);
    EXPECT_FALSE(offer->take_back());
    EXPECT_EQ(host.page(offer->references()[0], 7, false), nullptr);
    EXPECT_EQ(host.page(held, 7, true), page);
    EXPECT_FALSE(offer->take_back());
  }
  EXPECT_EQ(table.in_use(), 1U);  // the offer was destroyed, its page was not
  ASSERT_TRUE(table.offer(7, 1, sig::GrantAccess::kRead));
  EXPECT_EQ(table.in_use(), 1U);
  host.release(held);
  ASSERT_TRUE(table.offer(7, 1, sig::GrantAccess::kRead));
  EXPECT_EQ(table.in_use(), 0U);
}

TEST(GrantTable, OffersNothingIfItIsFull) {
  sim::XenHost host(1);
  GrantTable table(sim::XenHost::grow);
  auto most = table.offer(7, GrantTable::kPerFrame - kReserved - 1, sig::GrantAccess::kRead);
  ASSERT_TRUE(most);
  const auto refused = table.offer(7, 2, sig::GrantAccess::kRead);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(sig::DomainErrc::kExhausted));
  EXPECT_EQ(table.in_use(), GrantTable::kPerFrame - kReserved - 1);
}

// After a suspension, the number of an ended grant may already belong to another one.
TEST(GrantTable, EndsNoGrantOfTheHostThatItLeft) {
  sim::XenHost host;
  GrantTable table(sim::XenHost::grow);
  auto offer = table.offer(7, 1, sig::GrantAccess::kRead);
  ASSERT_TRUE(offer);
  host.move_on();
  table.resume();
  const auto next = table.grant(9, 1, false);
  ASSERT_EQ(*next, offer->references()[0]);
  EXPECT_TRUE(offer->take_back());
  EXPECT_EQ(host.entry(*next).domid, 9);
  EXPECT_EQ(table.in_use(), 1U);
}

}  // namespace
}  // namespace fata::bus::xen
