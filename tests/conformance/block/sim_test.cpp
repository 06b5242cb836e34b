// The simulated disk passes the suite, and fails only in the configured ways.
#include "fata/sim/disk.hpp"

#include <gtest/gtest.h>

#include "conformance.hpp"

namespace fata {
namespace {

using async::Task;
using async::Wait;
using block_test::Buffer;
using sig::BlockErrc;
using Kind = sim::Disk::Kind;

void say(std::string_view line) { ADD_FAILURE() << line; }

TEST(BlockSim, Conforms) {
  for (const std::uint32_t sector_size : {512U, 4096U}) {
    for (std::uint32_t seed = 1; seed <= 6; ++seed) {
      sim::Platform platform(seed);
      sim::Disk disk(platform, {.sector_size = sector_size,
                                .sectors = 1000,
                                .discards = seed % 3 != 0,
                                .cached = seed % 2 == 0,
                                .alignment = seed % 5 == 0 ? 512U : 1U,
                                .parallel = 1 + seed % 7});
      block_test::Report report(say);
      platform.run([&] { return block_test::conform(&disk, seed, &report); });
      EXPECT_GT(report.checks(), 100U);
      if (report.failures() != 0) FAIL() << "seed " << seed;
    }
  }
}

// Fills a sector with one number.
Task<void> put(sim::Disk* disk, std::uint64_t sector, int number) {
  Buffer buffer(512);
  std::ranges::fill(buffer.bytes(), static_cast<std::byte>(number));
  (void)co_await disk->write(sector, buffer.bytes(), Wait{});
}
Task<int> look(sim::Disk* disk, std::uint64_t sector) {
  Buffer buffer(512);
  const Result<void> got = co_await disk->read(sector, buffer.bytes(), Wait{});
  EXPECT_TRUE(got.has_value());
  const int first = static_cast<int>(buffer.bytes().front());
  co_return std::ranges::all_of(buffer.bytes(),
                                [&](std::byte b) { return b == static_cast<std::byte>(first); })
      ? first
      : -1;
}

// Writes two rounds and flushes only the first; power then fails in the middle of a third.
Task<void> cut_power(sim::Disk* disk, std::array<int, 256>* seen) {
  for (std::uint64_t s = 0; s < 50; ++s) co_await put(disk, s, 1);
  EXPECT_TRUE(co_await disk->flush(Wait{}));
  for (std::uint64_t s = 0; s < 50; ++s) co_await put(disk, s, 2);
  Buffer buffer(50 * 512);
  std::ranges::fill(buffer.bytes(), std::byte{3});
  async::Scope scope;
  Result<void> outcome;
  const auto write = [](sim::Disk* to, Bytes bytes, Result<void>* how) -> Task<void> {
    *how = co_await to->write(0, bytes, Wait{});
  };
  scope.spawn(write(disk, buffer.bytes(), &outcome));
  co_await async::sleep(microseconds(1));
  disk->cut_power();
  co_await scope.join();
  EXPECT_TRUE(!outcome && outcome.error().is(BlockErrc::kGone));
  EXPECT_TRUE((co_await disk->read(0, buffer.bytes(), Wait{})).error().is(BlockErrc::kGone));
  disk->restore_power();
  for (std::uint64_t s = 0; s < 50; ++s)
    ++(*seen)[static_cast<std::size_t>(co_await look(disk, s))];
}
TEST(BlockSim, LosesAPartOfWhatWasNotFlushedWhenPowerFails) {
  std::array<int, 256> seen{};
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    sim::Platform platform(seed);
    sim::Disk disk(platform, {.sectors = 128, .min_delay = microseconds(10)});
    platform.run([&] { return cut_power(&disk, &seen); });
  }
  EXPECT_EQ(seen[1] + seen[2] + seen[3], 500)
      << "a sector holds what it was once given, as a whole";
  for (const int version : {1, 2, 3})
    EXPECT_GT(seen[static_cast<std::size_t>(version)], 50) << version;
}

Task<void> tear(sim::Disk* disk, int* torn) {
  for (std::uint64_t s = 0; s < 50; ++s) co_await put(disk, s, 9);
  disk->cut_power();
  disk->restore_power();
  for (std::uint64_t s = 0; s < 50; ++s) *torn += co_await look(disk, s) == -1;
}
TEST(BlockSim, TearsSectorsIfItIsToldTo) {
  sim::Platform platform;
  sim::Disk whole(platform, {.sectors = 128}),
      tearing(platform, {.sectors = 128, .torn_sectors = true});
  int in_whole = 0, in_tearing = 0;
  platform.run([&] { return tear(&whole, &in_whole); });
  platform.run([&] { return tear(&tearing, &in_tearing); });
  EXPECT_EQ(in_whole, 0);
  EXPECT_GT(in_tearing, 5);
}

Task<void> uncached(sim::Disk* disk) {
  for (std::uint64_t s = 0; s < 50; ++s) co_await put(disk, s, 4);
  disk->cut_power();
  disk->restore_power();
  for (std::uint64_t s = 0; s < 50; ++s) EXPECT_EQ(co_await look(disk, s), 4);
}
TEST(BlockSim, KeepsEveryWriteThatHasEndedIfItHasNoCache) {
  sim::Platform platform;
  sim::Disk disk(platform, {.sectors = 128, .cached = false});
  platform.run([&] { return uncached(&disk); });
}

Task<void> errors(sim::Disk* disk) {
  Buffer buffer(8 * 512);
  disk->fail(Kind::kRead, 5, 1, 2);
  EXPECT_TRUE(co_await disk->read(0, buffer.part(0, 5 * 512), Wait{}));
  EXPECT_TRUE((co_await disk->read(0, buffer.bytes(), Wait{})).error().is(BlockErrc::kFailed));
  EXPECT_TRUE((co_await disk->read(5, buffer.part(0, 512), Wait{})).error().is(BlockErrc::kFailed));
  EXPECT_TRUE(co_await disk->read(5, buffer.part(0, 512), Wait{})) << "twice was asked for";
  disk->fail(Kind::kWrite, 0, 8);
  EXPECT_TRUE(
      (co_await disk->write(7, buffer.part(0, 512), Wait{})).error().is(BlockErrc::kFailed));
  disk->fail(Kind::kDiscard);
  EXPECT_TRUE((co_await disk->discard(7, 1, Wait{})).error().is(BlockErrc::kFailed));
  EXPECT_EQ(disk->count(sim::Disk::kFailures), 4U);
}
TEST(BlockSim, FailsBySector) {
  sim::Platform platform;
  sim::Disk disk(platform);
  platform.run([&] { return errors(&disk); });
}

Task<void> failed_flush(sim::Disk* disk) {
  EXPECT_TRUE(co_await disk->flush(Wait{}));
  disk->fail(Kind::kFlush);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE((co_await disk->flush(Wait{})).error().is(BlockErrc::kFlushFailed));
  co_await put(disk, 3, 3);
  EXPECT_EQ(co_await look(disk, 3), 3) << "reading and writing go on";
  disk->cut_power();
  disk->restore_power();
  EXPECT_TRUE(co_await disk->flush(Wait{})) << "a disk that was started again";
}
TEST(BlockSim, NeverFlushesAgainAfterAFlushFailed) {
  sim::Platform platform;
  sim::Disk disk(platform);
  platform.run([&] { return failed_flush(&disk); });
}

Task<void> numbered(sim::Disk* disk, int number, std::vector<int>* ended) {
  co_await put(disk, static_cast<std::uint64_t>(number), number);
  ended->push_back(number);
}
Task<void> out_of_order(sim::Disk* disk) {
  std::vector<int> ended;
  async::Scope scope;
  for (int i = 0; i < 20; ++i) scope.spawn(numbered(disk, i, &ended));
  co_await scope.join();
  EXPECT_EQ(ended.size(), 20U);
  EXPECT_FALSE(std::ranges::is_sorted(ended));
}
TEST(BlockSim, EndsOperationsOutOfOrder) {
  sim::Platform platform;
  sim::Disk disk(platform, {.max_delay = milliseconds(1)});
  platform.run([&] { return out_of_order(&disk); });
}

}  // namespace
}  // namespace fata
