#include "fata/xen/block_queue.hpp"
#include "fata/sim/effort.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "block_world.hpp"

namespace fata::xen {
namespace {

using Kind = BlockQueue::Kind;
using Flush = BlockLimits::Flush;
using sig::BlockErrc;

TEST(BlockLimits, TakesWhatTheBackendSays) {
  const auto plain = BlockLimits::parse({.sectors = 2048});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->geometry, (sig::BlockGeometry{.sectors = 2048, .cached = false}));
  EXPECT_EQ(plain->flush, Flush::kNone);
  EXPECT_EQ(plain->segments, 11U);
  const auto rich = BlockLimits::parse({.sectors = 2051,  // in units of 512 bytes, with a remainder
                                        .sector_size = 4096,
                                        .physical_sector_size = 65536,
                                        .info = 0,
                                        .flush_cache = 1,
                                        .barrier = 1,
                                        .discard = 1,
                                        .discard_granularity = 16384,
                                        .discard_alignment = 20480,
                                        .indirect_segments = 256});
  ASSERT_TRUE(rich);
  EXPECT_EQ(rich->geometry,
            (sig::BlockGeometry{
                .sector_size = 4096, .sectors = 256, .discards = true, .optimal = 65536}));
  EXPECT_EQ(rich->flush, Flush::kCache);
  EXPECT_EQ(rich->segments, 256U);
  EXPECT_EQ(rich->extent, 4U);
  EXPECT_EQ(rich->extent_offset, 1U);
  const auto odd = BlockLimits::parse({.sectors = 1,
                                       .physical_sector_size = 12345,
                                       .info = VDISK_READONLY | VDISK_CDROM,
                                       .barrier = 1,
                                       .discard = 1,
                                       .discard_granularity = 1000,
                                       .discard_alignment = 7,
                                       .indirect_segments = ~std::uint64_t{0}});
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->geometry, (sig::BlockGeometry{.sectors = 1, .writable = false}));
  EXPECT_EQ(odd->flush, Flush::kBarrier);
  EXPECT_EQ(odd->segments, 512U);
  EXPECT_EQ(odd->extent, 1U);
}

TEST(BlockLimits, RefusesADiskThatCannotBe) {
  const std::pair<const char*, BlockOffer> cases[] = {
      {"no sector", {.sectors = 0}},
      {"less than a sector", {.sectors = 7, .sector_size = 4096}},
      {"more bytes than can be counted", {.sectors = std::uint64_t{1} << 54}},
      {"sectors of 513 bytes", {.sectors = 100, .sector_size = 513}},
      {"sectors of 256 bytes", {.sectors = 100, .sector_size = 256}},
      {"sectors beyond a page", {.sectors = 100, .sector_size = 8192}},
      {"sectors without end", {.sectors = 100, .sector_size = std::uint64_t{1} << 40}},
  };
  for (const auto& [name, offer] : cases) EXPECT_FALSE(BlockLimits::parse(offer)) << name;
}

TEST(BlockLimits, OnlyWholeExtentsAreDiscarded) {
  BlockLimits limits;
  limits.extent = 8;
  limits.extent_offset = 3;
  const struct {
    std::uint64_t sector, count, first, whole;
  } cases[] = {{3, 8, 3, 8},   {0, 11, 3, 8},    {0, 10, 0, 0}, {4, 15, 11, 8}, {4, 14, 4, 0},
               {11, 7, 11, 0}, {11, 24, 11, 24}, {5, 0, 5, 0},  {0, 2, 0, 0},   {12, 100, 19, 88}};
  for (const auto& c : cases) {
    const auto [first, whole] = limits.extents(c.sector, c.count);
    EXPECT_EQ(whole, c.whole) << c.sector << ", " << c.count;
    if (whole != 0) EXPECT_EQ(first, c.first) << c.sector << ", " << c.count;
  }
  limits = {};
  EXPECT_EQ(limits.extents(5, 7), std::pair(std::uint64_t{5}, std::uint64_t{7}));
}

std::vector<std::byte> noise(std::size_t size, std::mt19937& random) {
  static const std::vector<std::byte> pool = [] {
    std::vector<std::byte> made(300'000);
    std::mt19937 source(1);
    for (std::byte& byte : made) byte = static_cast<std::byte>(source());
    return made;
  }();
  std::vector<std::byte> bytes(size);
  for (std::size_t done = 0; done < size;)
    done += copy_bytes(MutableBytes(bytes).subspan(done), Bytes(pool).subspan(random() % 200'000));
  return bytes;
}

TEST(BlockQueue, RequestsLookAsTheHeaderWants) {
  for (const std::uint64_t size : {512, 4096}) {
    BlockWorld world({.places = 8, .pages = 64, .segments = 20});
    sim::BlockBackend& backend = world.connect({.sectors = 4096,
                                                .sector_size = size,
                                                .flush_cache = 1,
                                                .discard = 1,
                                                .indirect_segments = 32});
    const std::uint64_t units = size / 512;
    std::vector<std::byte> buffer(20 * 4096);
    const auto begin = [&](BlockQueue::Request request) {
      world.queue.begin(request);
      EXPECT_TRUE(world.queue.publish());
      const auto taken = backend.take();
      EXPECT_TRUE(taken);
      EXPECT_EQ(taken->handle, BlockWorld::kHandle);
      EXPECT_FALSE(backend.take());
      EXPECT_TRUE(backend.may_sleep());
      backend.answer(*taken);
      EXPECT_TRUE(world.queue.next()->outcome);
      return *taken;
    };
    const auto small = begin({.kind = Kind::kWrite,
                              .sector = 5,
                              .sectors = 4096 / size,
                              .out = Bytes(buffer).first(4096)});
    EXPECT_EQ(small.operation, BLKIF_OP_WRITE);
    EXPECT_FALSE(small.indirect);
    EXPECT_EQ(small.sector, 5 * units);
    ASSERT_EQ(small.segments.size(), 1U);
    EXPECT_EQ(small.segments[0].first_sect, 0);
    EXPECT_EQ(small.segments[0].last_sect, 7);
    const std::uint64_t many = 11 * 4096 / size + 1;
    const auto large =
        begin({.kind = Kind::kRead,
               .sector = 6,
               .sectors = many,
               .in = MutableBytes(buffer).first(static_cast<std::size_t>(many * size))});
    EXPECT_EQ(large.operation, BLKIF_OP_READ);
    EXPECT_TRUE(large.indirect) << "more than eleven pages";
    EXPECT_EQ(large.segments.size(), 12U);
    EXPECT_EQ(large.units(), many * units);
    const auto discard = begin({.kind = Kind::kDiscard, .sector = 7, .sectors = 3});
    EXPECT_EQ(discard.operation, BLKIF_OP_DISCARD);
    EXPECT_EQ(discard.sector, 7 * units);
    EXPECT_EQ(discard.sectors, 3 * units);
    const auto flush = begin({.kind = Kind::kFlush});
    EXPECT_EQ(flush.operation, BLKIF_OP_FLUSH_DISKCACHE);
    EXPECT_TRUE(flush.segments.empty());
    world.part();
    sim::BlockBackend& older = world.connect({.sectors = 4096, .sector_size = size, .barrier = 1});
    world.queue.begin({.kind = Kind::kFlush});
    world.queue.publish();
    EXPECT_EQ(older.take()->operation, BLKIF_OP_WRITE_BARRIER);
    world.queue.begin({.kind = Kind::kRead,
                       .sectors = many,
                       .in = MutableBytes(buffer).first(static_cast<std::size_t>(many * size))});
    world.queue.publish();
    EXPECT_EQ(older.take()->segments.size(), 11U) << "without indirect requests";
    world.part();
  }
}

TEST(BlockQueue, FailsAsTheBackendSays) {
  const struct {
    Kind kind;
    std::int16_t status;
    BlockErrc why;
    std::uint32_t detail;
  } cases[] = {{Kind::kRead, BLKIF_RSP_ERROR, BlockErrc::kFailed, 1},
               {Kind::kRead, 1, BlockErrc::kFailed, 1},
               {Kind::kWrite, BLKIF_RSP_EOPNOTSUPP, BlockErrc::kFailed, 2},
               {Kind::kWrite, -32768, BlockErrc::kFailed, 32768},
               {Kind::kFlush, BLKIF_RSP_ERROR, BlockErrc::kFlushFailed, 1},
               {Kind::kFlush, BLKIF_RSP_EOPNOTSUPP, BlockErrc::kFlushFailed, 2},
               {Kind::kDiscard, BLKIF_RSP_EOPNOTSUPP, BlockErrc::kUnsupported, 2},
               {Kind::kDiscard, BLKIF_RSP_ERROR, BlockErrc::kFailed, 1}};
  BlockWorld world;
  sim::BlockBackend& backend = world.connect({.sectors = 100, .flush_cache = 1, .discard = 1});
  std::array<std::byte, 512> buffer{};
  for (const auto& c : cases) {
    const bool moves = c.kind == Kind::kRead || c.kind == Kind::kWrite;
    const auto begun =
        world.queue.begin({.kind = c.kind,
                           .sectors = moves ? 1U : 0U,
                           .in = MutableBytes(buffer).first(c.kind == Kind::kRead ? 512 : 0),
                           .out = Bytes(buffer).first(c.kind == Kind::kWrite ? 512 : 0)});
    world.queue.publish();
    backend.answer(*backend.take(), c.status);
    const auto ended = world.queue.next();
    ASSERT_TRUE(ended && !ended->outcome);
    EXPECT_EQ(ended->place, begun.place);
    EXPECT_TRUE(ended->outcome.error().is(c.why))
        << static_cast<int>(c.kind) << ", status " << c.status;
    EXPECT_EQ(ended->outcome.error().detail(), c.detail);
  }
  EXPECT_EQ(buffer, (std::array<std::byte, 512>{}))
      << "what a failed read left in the page is not passed on";
  world.part();
}

TEST(BlockQueue, EveryPlaceHasAPageHoweverMuchTheOthersTake) {
  BlockWorld world({.places = 8, .pages = 20, .segments = 64});
  sim::BlockBackend& backend = world.connect({.sectors = 10000, .indirect_segments = 64});
  std::vector<std::byte> buffer(64 * 4096);
  std::mt19937 random(3);
  std::vector<sim::BlockBackend::Taken> out;
  for (int round = 0; round < 2000; ++round) {
    while (world.queue.under_way() < 8) {
      const auto begun = world.queue.begin({.kind = Kind::kRead, .sectors = 512, .in = buffer});
      EXPECT_GE(begun.sectors, 8U);
      EXPECT_EQ(begun.sectors % 8, 0U);
    }
    world.queue.publish();
    while (const auto taken = backend.take()) out.push_back(*taken);
    std::ranges::shuffle(out, random);
    for (std::size_t i = 1 + random() % out.size(); i != 0; --i) {
      backend.answer(out.back());
      out.pop_back();
      ASSERT_TRUE(world.queue.next());
    }
  }
  world.part();
}

TEST(BlockQueue, GrantsNothingOfTheCaller) {
  BlockWorld world;
  sim::BlockBackend& backend = world.connect({.sectors = 100, .indirect_segments = 100});
  alignas(4096) static std::array<std::byte, 16 * 4096> memory;
  memory.fill(std::byte{7});
  const MutableBytes in(memory);
  const std::uint64_t first = sim::XenHost::frame_of(memory.data());
  for (std::size_t i = 1; i < 16; ++i) sim::XenHost::frame_of(&memory[i * 4096]);
  world.queue.begin({.kind = Kind::kRead, .sectors = 64, .in = in.subspan(100, 32768)});
  world.queue.begin({.kind = Kind::kWrite, .sectors = 8, .out = in.subspan(40000, 4096)});
  world.queue.publish();
  for (GrantRef ref = 0; ref < world.host.table_frames() * GrantTable::kPerFrame; ++ref) {
    const grant_entry_v1_t& entry = world.host.entry(ref);
    if ((entry.flags & GTF_permit_access) != 0)
      EXPECT_FALSE(entry.frame >= first && entry.frame < first + 16);
  }
  // It cannot reach the buffer later either: data that it writes to its page afterwards stays
  // there.
  std::vector<std::byte> disk(100 * 512, std::byte{1});
  const auto read = *backend.take();
  backend.perform(read, disk);
  backend.answer(read);
  ASSERT_TRUE(world.queue.next());
  std::memset(world.host.page(read.segments[0].gref, BlockWorld::kBackend, true), 9, 4096);
  EXPECT_TRUE(
      std::ranges::all_of(in.subspan(100, 32768), [](std::byte b) { return b == std::byte{1}; }));
  EXPECT_EQ(memory[99], std::byte{7});
  EXPECT_EQ(memory[100 + 32768], std::byte{7});
  world.part();
}

TEST(BlockQueue, WhatNobodyWaitsForIsReadIntoNothing) {
  BlockWorld world;
  sim::BlockBackend& backend = world.connect({.sectors = 100});
  auto buffer = std::make_unique<std::array<std::byte, 4096>>();
  const auto begun = world.queue.begin({.kind = Kind::kRead, .sectors = 8, .in = *buffer});
  world.queue.publish();
  world.queue.abandon(begun.place);
  buffer.reset();
  std::vector<std::byte> disk(100 * 512, std::byte{1});
  const auto read = *backend.take();
  backend.perform(read, disk);
  backend.answer(read);
  const auto ended = world.queue.next();
  ASSERT_TRUE(ended && ended->outcome);
  EXPECT_EQ(world.queue.under_way(), 0U);
  world.part();
}

// Both sides act in random order; each sleeps only after requesting a notification, so that a lost
// notification ends the run.
void run(unsigned seed, const BlockQueue::Sizes& sizes, const BlockOffer& offer, bool keeps) {
  std::mt19937 random(seed);
  BlockWorld world(sizes);
  sim::BlockBackend& backend = world.connect(offer, keeps);
  const std::size_t size = world.limits.geometry.sector_size;
  const std::uint64_t sectors = world.limits.geometry.sectors;
  std::vector<std::byte> disk = noise(static_cast<std::size_t>(sectors) * size, random),
                         model = disk;
  struct Flying {
    BlockQueue::Request request;
    std::vector<std::byte> buffer;
    std::size_t offset;
    std::uint64_t sectors;
  };
  std::vector<std::optional<Flying>> flying(sizes.places);
  std::vector<sim::BlockBackend::Taken> taken;
  bool front_awake = true, back_awake = true;
  std::size_t begun_count = 0, ended_count = 0;
  const unsigned rounds = sim::effort(300, 1'500);
  for (unsigned round = 0; round < rounds; ++round) {
    if (front_awake) {
      for (std::size_t i = random() % 4; i != 0 && world.queue.under_way() < sizes.places; --i) {
        // Do not overlap a request in flight, because their order would be undefined.
        const std::uint64_t at = random() % sectors,
                            count = std::min<std::uint64_t>(1 + random() % (70'000 / size),
                                                            sectors - at);
        if (std::ranges::any_of(flying, [&](const std::optional<Flying>& other) {
              return other && at < other->request.sector + other->sectors &&
                     other->request.sector < at + count;
            }))
          continue;
        Flying one{{.kind = random() % 2 != 0 ? Kind::kRead : Kind::kWrite,
                    .sector = at,
                    .sectors = count},
                   noise(static_cast<std::size_t>(count) * size + 64, random),
                   random() % 64,
                   0};
        const MutableBytes buffer =
            MutableBytes(one.buffer).subspan(one.offset, static_cast<std::size_t>(count) * size);
        if (one.request.kind == Kind::kRead) one.request.in = buffer;
        if (one.request.kind == Kind::kWrite) one.request.out = buffer;
        const auto [place, began] = world.queue.begin(one.request);
        ASSERT_FALSE(flying[place]);
        one.sectors = began;
        if (one.request.kind == Kind::kWrite)
          copy_bytes(MutableBytes(model).subspan(static_cast<std::size_t>(at) * size),
                     buffer.first(static_cast<std::size_t>(began) * size));
        flying[place] = std::move(one);
        ++begun_count;
      }
      back_awake = world.queue.publish() || back_awake;
      while (const auto ended = world.queue.next()) {
        ++ended_count;
        ASSERT_TRUE(ended->outcome);
        std::optional<Flying> one = std::exchange(flying[ended->place], std::nullopt);
        ASSERT_TRUE(one);
        if (one->request.kind == Kind::kRead) {
          const auto bytes = static_cast<std::size_t>(one->sectors) * size;
          ASSERT_TRUE(equal_bytes(
              Bytes(one->buffer).subspan(one->offset, bytes),
              Bytes(model).subspan(static_cast<std::size_t>(one->request.sector) * size, bytes)));
        }
      }
      ASSERT_FALSE(world.queue.broken());
      if (random() % 4 == 0) front_awake = !world.queue.ask();
    }
    if (back_awake) {
      for (std::size_t i = random() % 4; i != 0; --i) {
        if (auto one = backend.take()) taken.push_back(std::move(*one));
      }
      for (std::size_t i = random() % 4; i != 0 && !taken.empty(); --i) {
        std::swap(taken[random() % taken.size()], taken.back());
        backend.perform(taken.back(), disk);
        front_awake = backend.answer(taken.back()) || front_awake;
        taken.pop_back();
      }
      if (taken.empty() && random() % 2 != 0) back_awake = !backend.may_sleep();
    }
    if (!front_awake && !back_awake) {  // only if nothing is in flight
      ASSERT_EQ(world.queue.under_way(), 0U) << "a notification was lost in round " << round;
      front_awake = true;
    }
  }
  EXPECT_GT(ended_count, rounds / 8);
  EXPECT_EQ(begun_count - ended_count, world.queue.under_way());
  world.part();
}

TEST(BlockQueue, CarriesEveryByteAndEveryNotification) {
  run(1, {.places = 1, .pages = 1, .segments = 11}, {.sectors = 1000}, true);
  run(2, {.places = 8, .pages = 32, .segments = 11}, {.sectors = 2000}, false);
  run(3, {.places = 16, .pages = 128, .segments = 64}, {.sectors = 4000, .indirect_segments = 256},
      true);
  run(4, {.places = 32, .pages = 40, .segments = 20},
      {.sectors = 8000, .sector_size = 4096, .indirect_segments = 15}, false);
}

}  // namespace
}  // namespace fata::xen
