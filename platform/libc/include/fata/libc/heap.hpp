// The general heap of an image: two-level segregated fit. Allocation and release take constant
// time; free neighbours are merged at once. Sizes are rounded up by at most 1/16 (not at all below
// 512 bytes and for powers of two), so that a request of the same size finds a freed block again.
//
// A write to freed memory or beyond a block's end that changes the heap's data causes a panic when
// that block or its neighbour is next allocated or freed. Links are combined with a secret, so that
// such a write cannot choose where the heap reads or writes next. The heap neither reads nor checks
// other parts of a freed block.
//
// The heap owns no memory: regions are added to it. It writes only at the start of blocks, so that
// memory that was never allocated is not written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fata::libc {

class Heap {
 public:
  static constexpr std::size_t kAlignment = 16;

  // Sets the random number that links are combined with. Call it before add_region(). Without a
  // secret, a write to freed memory is still detected, unless it forges the links of two blocks.
  void set_secret(std::uint64_t secret) { secret_ = secret; }
  // Adds `size` bytes at `memory` to the heap permanently. A region under 64 bytes is ignored.
  void add_region(void* memory, std::size_t size);

  // Returns nullptr if no free block is large enough. `alignment` must be a power of two.
  void* allocate(std::size_t size, std::size_t alignment = kAlignment);
  // Ignores nullptr. A double free, or a pointer that was not allocated, causes a panic if it can
  // be detected.
  void release(void* memory);
  // Grows or shrinks in place where possible. Returns nullptr (with the old block unchanged) if
  // there is no room.
  void* resize(void* memory, std::size_t size);

  // The usable bytes at `memory`.
  static std::size_t usable_size(const void* memory);

  std::size_t total() const { return total_; }  // bytes in all regions
  std::size_t used() const { return used_; }    // bytes in allocated blocks, headers included
  std::size_t peak() const { return peak_; }
  // The size of the largest possible allocation (a lower bound within 1/16).
  std::size_t largest_free() const;

 private:
  struct Block;
  struct Request;
  using Link = std::uintptr_t;
  static constexpr unsigned kClasses = 16;  // lists for each power of two
  static constexpr unsigned kPowers = 40;   // blocks below 2^44 bytes
  static constexpr unsigned kLists = kPowers * kClasses;

  static Request request(std::size_t payload);
  static unsigned list_of(std::size_t size);
  Block* open(const Link& link) const;
  void close(Link& link, const Block* block) const;
  bool is_inside(const Block* block) const;
  bool is_whole(Block* block) const;
  void cover(std::uintptr_t begin, std::size_t size);
  unsigned find(unsigned list) const;
  void insert(Block* block);
  Block* take(unsigned list);
  Block* take_aligned(const Request& wanted, std::size_t alignment);
  Block* search_aligned(const Request& wanted, std::size_t alignment);
  static std::size_t front_of(Block* block, std::size_t alignment);
  void remove(Block* block);
  void forget(unsigned empty);
  void split(Block* block, std::size_t size);
  Block* merge_with_neighbours(Block* block);
  Block* allocated(void* memory) const;
  void count_used(std::size_t more);

  std::uintptr_t secret_ = 0;
  std::uintptr_t begin_ = 0;  // the lowest block
  // In units of 16 bytes, from the lowest block to the end of the highest region.
  std::size_t headers_ = 0;
  std::uint64_t powers_ = 0;
  std::array<std::uint16_t, kPowers> slots_{};
  std::array<Block*, kLists> free_{};
  std::size_t total_ = 0;
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
};

}  // namespace fata::libc
