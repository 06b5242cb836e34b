// Tests backends that break the protocol or keep lent pages. The queue must detect this, never
// reuse kept pages, and work with a better backend.
#include <gtest/gtest.h>

#include <set>

#include "block_world.hpp"

namespace fata::xen {
namespace {

using Kind = BlockQueue::Kind;

constexpr BlockOffer kOffer{.sectors = 1000, .flush_cache = 1, .indirect_segments = 64};
constexpr BlockQueue::Sizes kSizes{.places = 4, .pages = 16, .segments = 16};
constexpr std::size_t kPages = 1 + 16 + 4;

struct Attack {
  const char* name;
  void (*play)(BlockWorld&, sim::BlockBackend::Taken);
};
const Attack kAttacks[] = {
    {"an id that was never given",
     [](BlockWorld& w, sim::BlockBackend::Taken t) { w.backend->answer((t.id += 1 << 8, t)); }},
    {"the place of another request",
     [](BlockWorld& w, sim::BlockBackend::Taken t) { w.backend->answer((++t.id, t)); }},
    {"a place out of range",
     [](BlockWorld& w, sim::BlockBackend::Taken t) { w.backend->answer((t.id |= 0xff, t)); }},
    {"an id out of range",
     [](BlockWorld& w, sim::BlockBackend::Taken t) {
       w.backend->answer((t.id = ~std::uint64_t{0}, t));
     }},
    {"two answers to one request",
     [](BlockWorld& w, sim::BlockBackend::Taken t) {
       w.queue.begin({.kind = Kind::kFlush});
       w.queue.publish();
       w.backend->take();
       w.backend->answer(t);
       w.backend->answer(t);
     }},
    {"an answer to an earlier request in the same place",
     [](BlockWorld& w, sim::BlockBackend::Taken t) {
       w.backend->answer(t);
       ASSERT_TRUE(w.queue.next());
       w.queue.begin({.kind = Kind::kFlush});
       w.queue.publish();
       w.backend->take();
       w.backend->answer(t);
     }},
    {"more answers than requests",
     [](BlockWorld& w, sim::BlockBackend::Taken) { w.backend->ring().sring->rsp_prod = 2; }},
    {"answers that come back",
     [](BlockWorld& w, sim::BlockBackend::Taken) { w.backend->ring().sring->rsp_prod = ~0U; }},
};

TEST(BlockQueue, NoticesABackendThatLiesAndWorksAgainWithABetterOne) {
  for (const Attack& attack : kAttacks) {
    SCOPED_TRACE(attack.name);
    BlockWorld world(kSizes);
    sim::BlockBackend& backend = world.connect(kOffer);
    std::array<std::byte, 512> buffer{};
    world.queue.begin({.kind = Kind::kRead, .sectors = 1, .in = buffer});
    world.queue.publish();
    attack.play(world, *backend.take());
    for (int i = 0; i < 3; ++i) (void)world.queue.next();
    EXPECT_TRUE(world.queue.broken());
    EXPECT_FALSE(world.queue.next());
    world.part();
    sim::BlockBackend& better = world.connect(kOffer);
    EXPECT_FALSE(world.queue.broken());
    world.queue.begin({.kind = Kind::kFlush});
    world.queue.publish();
    better.answer(*better.take());
    EXPECT_TRUE(world.queue.next()->outcome);
    world.part();
  }
}

TEST(BlockQueue, PagesThatABackendKeepsAreNeverGrantedAgainAndComeHomeWhenItLetsGo) {
  BlockWorld world(kSizes);
  sim::BlockBackend& backend = world.connect(kOffer);
  std::vector<std::byte> buffer(16 * 4096), disk(1000 * 512);
  world.queue.begin({.kind = Kind::kWrite, .sectors = 128, .out = buffer});
  world.queue.publish();
  const auto taken = *backend.take();
  backend.perform(taken, disk);  // which maps the pages permanently
  std::set<std::uint32_t> kept{world.host.entry(world.queue.ring()).frame};
  for (const auto& one : taken.segments) kept.insert(world.host.entry(one.gref).frame);
  world.queue.disconnect(false);
  EXPECT_EQ(world.queue.kept(), kept.size());
  EXPECT_EQ(world.grants.in_use(), kept.size());
  // Connect to another backend while the first one still has its pages.
  ASSERT_TRUE(world.queue.connect(6, 0));
  std::size_t granted = 0;
  for (GrantRef ref = 0; ref < world.host.table_frames() * GrantTable::kPerFrame; ++ref) {
    const grant_entry_v1_t& entry = world.host.entry(ref);
    if ((entry.flags & GTF_permit_access) == 0 || entry.domid != 6) continue;
    ++granted;
    EXPECT_FALSE(kept.contains(entry.frame)) << "a page with two owners";
  }
  EXPECT_EQ(granted, kPages);
  world.queue.disconnect(false);
  world.backend.reset();
  ASSERT_TRUE(world.queue.connect(6, 0));
  EXPECT_EQ(world.queue.kept(), 0U);
  world.queue.disconnect(false);
  EXPECT_EQ(world.grants.in_use(), 0U);
}

TEST(BlockQueue, BackendsThatKeepEverythingAreNotGivenMoreForEver) {
  BlockWorld world(kSizes);
  int connections = 0;
  while (connections < 100 && world.queue.connect(BlockWorld::kBackend, 0)) {
    for (GrantRef ref = 0; ref < GrantTable::kPerFrame; ++ref)
      if ((world.host.entry(ref).flags & GTF_permit_access) != 0)
        world.host.hold(ref, BlockWorld::kBackend, true);
    world.queue.disconnect(false);
    ++connections;
  }
  EXPECT_EQ(connections, 4);
  EXPECT_EQ(world.grants.in_use(), 4 * kPages);
  world.host.release_all();
  EXPECT_TRUE(world.queue.connect(BlockWorld::kBackend, 0));
  world.queue.disconnect(false);
  EXPECT_EQ(world.grants.in_use(), 0U);
}

TEST(BlockQueue, AnotherHostHasNoGrantsToEnd) {
  BlockWorld world(kSizes);
  world.connect(kOffer);
  std::array<std::byte, 512> buffer{};
  world.queue.begin({.kind = Kind::kRead, .sectors = 1, .in = buffer});
  world.backend.reset();
  world.host.move_on();
  world.grants.resume();
  world.queue.disconnect(true);
  EXPECT_EQ(world.queue.under_way(), 0U);
  EXPECT_EQ(world.grants.in_use(), 0U);
  world.connect(kOffer);
  EXPECT_EQ(world.grants.in_use(), kPages);
  world.part();
}

TEST(BlockQueue, WhatAnotherHostWasAskedForIsBegunAnewAndItsAnswersEndNothing) {
  BlockWorld world(kSizes);
  const std::vector<std::byte> buffer(4096, std::byte{7});
  std::vector<std::byte> disk(1000 * 512);
  const BlockQueue::Request write{.kind = Kind::kWrite, .sector = 3, .sectors = 8, .out = buffer};
  sim::BlockBackend& there = world.connect(kOffer);
  world.queue.begin(write);
  world.queue.publish();
  const auto before = *there.take();
  there.answer(before);  // too late: the domain is already gone
  world.backend.reset();
  world.host.move_on();
  world.grants.resume();
  world.queue.disconnect(true);
  EXPECT_FALSE(world.queue.next());
  sim::BlockBackend& here = world.connect(kOffer);
  world.queue.begin(write);
  world.queue.publish();
  here.perform(*here.take(), disk);
  EXPECT_TRUE(equal_bytes(Bytes(disk).subspan(3 * 512, buffer.size()), buffer));
  here.answer(before);
  EXPECT_FALSE(world.queue.next());
  EXPECT_TRUE(world.queue.broken());
  world.part();
}

TEST(BlockQueue, ATableThatIsFullLeavesNothingBehind) {
  BlockWorld world(kSizes, 1);
  std::vector<GrantRef> others;
  while (const auto ref = world.grants.grant(1, 1, false)) others.push_back(*ref);
  for (std::size_t free = 0; free < kPages; ++free) {
    EXPECT_FALSE(world.queue.connect(BlockWorld::kBackend, 0)) << free;
    EXPECT_EQ(world.grants.in_use(), others.size());
    world.grants.end(others.back());
    others.pop_back();
  }
  EXPECT_TRUE(world.queue.connect(BlockWorld::kBackend, 0));
}

}  // namespace
}  // namespace fata::xen
