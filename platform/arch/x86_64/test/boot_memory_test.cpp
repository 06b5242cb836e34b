// The free memory of a kernel without its initial ramdisk.
#include <gtest/gtest.h>

#include <vector>

#include "start_info.hpp"

namespace fata::arch {
namespace {

using Regions = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

BootMemory memory_of(const Regions& regions, std::size_t above) {
  BootMemory memory{};
  for (const auto& [begin, end] : regions) memory.free[memory.free_count++] = {begin, end};
  memory.above = above;
  return memory;
}
Regions regions_of(const BootMemory& memory) {
  Regions regions;
  for (std::size_t i = 0; i < memory.free_count; ++i)
    regions.emplace_back(memory.free[i].begin, memory.free[i].end);
  return regions;
}

TEST(BootMemory, LosesThePagesOfTheRamdiskAndNothingElse) {
  const Regions before{{0x10000, 0x80000}, {0x200000, 0x2000000}};
  struct Case {
    const char* what;
    Region pages;
    Regions after;
    std::size_t above;
  };
  for (const Case& each : {
           Case{"at the end, as QEMU does",
                {0x1f00000, 0x2000000},
                {{0x10000, 0x80000}, {0x200000, 0x1f00000}},
                1},
           {"after the image, as Xen does",
            {0x200000, 0x300000},
            {{0x10000, 0x80000}, {0x300000, 0x2000000}},
            1},
           {"near the image",
            {0x201000, 0x300000},
            {{0x10000, 0x80000}, {0x200000, 0x201000}, {0x300000, 0x2000000}},
            2},
           {"near the end",
            {0x1e00000, 0x1fff000},
            {{0x10000, 0x80000}, {0x200000, 0x1e00000}, {0x1fff000, 0x2000000}},
            1},
           {"in other memory",
            {0x20000, 0x30000},
            {{0x10000, 0x20000}, {0x200000, 0x2000000}, {0x30000, 0x80000}},
            1},
           {"all of a region", {0x10000, 0x80000}, {{0, 0}, {0x200000, 0x2000000}}, 1},
       }) {
    BootMemory memory = memory_of(before, 1);
    ASSERT_TRUE(take_out(memory, each.pages)) << each.what;
    EXPECT_EQ(regions_of(memory), each.after) << each.what;
    EXPECT_EQ(memory.above, each.above) << each.what;
  }
}

TEST(BootMemory, RefusesPagesThatAreNotWhollyFree) {
  const Regions before{{0x10000, 0x80000}, {0x200000, 0x2000000}};
  for (const Region pages : {Region{0x7f000, 0x81000},
                             {0x1ff000, 0x201000},
                             {0x1fff000, 0x2001000},
                             {0x100000, 0x180000},
                             {0x8000, 0x11000}}) {
    BootMemory memory = memory_of(before, 1);
    EXPECT_FALSE(take_out(memory, pages)) << std::hex << pages.begin;
    EXPECT_EQ(regions_of(memory), before);
  }
}

TEST(BootMemory, OfAFullTableLosesWhatIsAfterTheRamdisk) {
  Regions before;
  for (std::uint64_t i = 0; i < 64; ++i) before.emplace_back(i << 20, (i << 20) + 0x10000);
  BootMemory memory = memory_of(before, 0);
  ASSERT_EQ(memory.free_count, memory.free.size());
  EXPECT_TRUE(take_out(memory, {0x1000, 0x2000}));
  before[0].second = 0x1000;
  EXPECT_EQ(regions_of(memory), before);
}

}  // namespace
}  // namespace fata::arch
