#include "fata/libc/heap.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace fata::libc {
namespace {

struct HeapTest : testing::Test {
  static constexpr std::size_t kSize = 1 << 20;
  HeapTest() { heap.add_region(memory.get(), kSize); }

  std::unique_ptr<char[]> memory{new char[kSize]};
  Heap heap;
};

TEST_F(HeapTest, memory_is_aligned_to_16_bytes_and_writable_to_its_whole_length) {
  for (std::size_t size : {0, 1, 15, 16, 17, 100, 4096, 100'000}) {
    void* const p = heap.allocate(size);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % 16, 0U);
    EXPECT_GE(Heap::usable_size(p), size);
    std::memset(p, 0xab, Heap::usable_size(p));
    heap.release(p);
  }
  EXPECT_EQ(heap.used(), 0U);
}

TEST_F(HeapTest, after_all_is_released_one_block_holds_everything_again) {
  const std::size_t whole = heap.largest_free();
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 500; ++i) blocks.push_back(heap.allocate(i * 3 + 1));
  for (std::size_t i = 0; i < blocks.size(); i += 2) heap.release(blocks[i]);
  EXPECT_LT(heap.largest_free(), whole);
  for (std::size_t i = 1; i < blocks.size(); i += 2) heap.release(blocks[i]);
  EXPECT_EQ(heap.largest_free(), whole);
  EXPECT_EQ(heap.used(), 0U);
}

TEST_F(HeapTest, exhaustion_gives_null_and_leaves_the_heap_usable) {
  EXPECT_EQ(heap.allocate(kSize), nullptr);
  EXPECT_EQ(heap.allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(heap.allocate(16, std::size_t{1} << 60), nullptr);
  std::vector<void*> blocks;
  while (void* p = heap.allocate(1000)) blocks.push_back(p);
  EXPECT_GT(blocks.size(), kSize / 1100);
  heap.release(blocks.back());
  EXPECT_NE(heap.allocate(1000), nullptr);
}

TEST_F(HeapTest, larger_alignments_are_kept_and_cost_no_memory_for_good) {
  for (std::size_t alignment = 16; alignment <= 65536; alignment *= 2) {
    void* const odd = heap.allocate(24);
    void* const p = heap.allocate(alignment / 2 + 1, alignment);
    ASSERT_NE(p, nullptr) << alignment;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignment, 0U);
    heap.release(odd);
    heap.release(p);
  }
  EXPECT_EQ(heap.used(), 0U);
  EXPECT_GT(heap.largest_free(), kSize - 4096);
}

TEST_F(HeapTest, resize_grows_in_place_into_free_memory_and_keeps_the_bytes_when_it_moves) {
  char* p = static_cast<char*>(heap.allocate(100));
  std::memset(p, 'x', 100);
  EXPECT_EQ(heap.resize(p, 5000), p);
  void* const wall = heap.allocate(16);
  char* const moved = static_cast<char*>(heap.resize(p, 50'000));
  ASSERT_NE(moved, nullptr);
  EXPECT_NE(moved, p);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(moved[i], 'x');
  EXPECT_EQ(heap.resize(moved, 10), moved);
  EXPECT_EQ(heap.resize(moved, kSize), nullptr);
  heap.release(moved);
  heap.release(wall);
  EXPECT_EQ(heap.used(), 0U);
}

TEST_F(HeapTest, regions_that_lie_apart_serve_one_after_the_other) {
  std::unique_ptr<char[]> more(new char[kSize]);
  heap.add_region(more.get() + 8, kSize - 8);
  EXPECT_NE(heap.allocate(kSize * 3 / 4), nullptr);
  EXPECT_NE(heap.allocate(kSize * 3 / 4), nullptr);
  EXPECT_EQ(heap.allocate(kSize * 3 / 4), nullptr);
}

TEST_F(HeapTest, a_region_too_small_for_a_block_is_ignored) {
  char few[48];
  const std::size_t total = heap.total();
  heap.add_region(few, sizeof(few) - 8);
  EXPECT_EQ(heap.total(), total);
}

TEST_F(HeapTest, random_use_never_overlaps_and_never_loses_a_byte) {
  std::mt19937 random(7);
  std::map<char*, std::pair<std::size_t, char>> live;
  for (int step = 0; step < 20'000; ++step) {
    const bool allocate = live.size() < 20 || (random() % 2 == 0 && live.size() < 400);
    if (allocate) {
      const std::size_t size = std::size_t{1} << random() % 12 | random() % 64;
      const std::size_t alignment = random() % 8 == 0 ? std::size_t{1} << random() % 10 : 1;
      char* const p = static_cast<char*>(heap.allocate(size, alignment));
      if (p == nullptr) continue;
      const auto tag = static_cast<char>(step);
      std::memset(p, tag, size);
      live[p] = {size, tag};
    } else {
      auto it = live.begin();
      std::advance(it, random() % live.size());
      auto [p, what] = *it;
      for (std::size_t i = 0; i < what.first; ++i) ASSERT_EQ(p[i], what.second);
      live.erase(it);
      heap.release(p);
    }
  }
  for (const auto& [p, what] : live) heap.release(p);
  EXPECT_EQ(heap.used(), 0U);
  EXPECT_GT(heap.largest_free(), kSize - 4096);
}

// An attack by a peer that controls lifetimes: the memory is full of blocks, each followed by a
// separator block; all blocks of one size are freed, and as many of that size are requested again.
void expect_found_again(std::size_t size, std::size_t alignment) {
  SCOPED_TRACE(std::to_string(size) + " bytes, aligned to " + std::to_string(alignment));
  const std::size_t total = size < 4000 ? 4 << 20 : 32 << 20;
  const std::unique_ptr<char[]> memory(new char[total]);
  Heap heap;
  heap.add_region(memory.get(), total);
  std::vector<void*> blocks;
  for (;;) {
    void* const block = heap.allocate(size, alignment);
    if (block == nullptr) break;
    blocks.push_back(block);
    if (heap.allocate(48) == nullptr) break;
  }
  ASSERT_GE(blocks.size(), 2U);
  for (void* block : blocks) heap.release(block);
  std::size_t found = 0;
  while (found < blocks.size() && heap.allocate(size, alignment) != nullptr) ++found;
  EXPECT_EQ(found, blocks.size());
}

TEST(HeapReuse, what_was_freed_between_walls_is_found_again) {
  for (std::size_t power = 16; power <= 4 << 20; power *= 2) {
    for (const std::size_t size : {power - 1, power, power + 1, power + 16})
      expect_found_again(size, 16);
  }
  for (const std::size_t size : {500, 1000, 1500, 2064, 9000, 65552, 100'000})
    expect_found_again(size, 16);
}

TEST(HeapReuse, what_was_aligned_and_freed_between_walls_is_found_again) {
  for (const std::size_t size : {64, 500, 4096, 4097, 8192, 65537}) expect_found_again(size, 4096);
}

TEST(HeapReuse, a_request_is_rounded_up_by_a_sixteenth_at_most) {
  const std::unique_ptr<char[]> memory(new char[32 << 20]);
  Heap heap;
  heap.add_region(memory.get(), 32 << 20);
  for (std::size_t size = 16; size < 8 << 20; size += 16 + size / 40) {
    for (const std::size_t asked : {size - 1, size, size + 1, std::bit_ceil(size)}) {
      void* const block = heap.allocate(asked);
      ASSERT_NE(block, nullptr);
      EXPECT_LE(Heap::usable_size(block), std::max(asked + 31, asked + asked / 16 + 16)) << asked;
      if (std::has_single_bit(asked)) EXPECT_EQ(Heap::usable_size(block), asked);
      heap.release(block);
    }
  }
}

using HeapDeathTest = HeapTest;

TEST_F(HeapDeathTest, freeing_twice_is_reported) {
  void* const p = heap.allocate(100);
  heap.release(p);
  EXPECT_DEATH(heap.release(p), "memory freed twice");
}

TEST_F(HeapDeathTest, an_overrun_into_the_next_block_is_reported_when_it_is_freed) {
  char* const p = static_cast<char*>(heap.allocate(32));
  char* const next = static_cast<char*>(heap.allocate(32));
  std::memset(p + 32, 0, 8);
  EXPECT_DEATH(heap.release(p), "was overrun");
  (void)next;
}

}  // namespace
}  // namespace fata::libc
