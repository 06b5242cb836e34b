// The general heap of an image: two-level segregated fit. Allocation and release take constant time;
// neighbours that are free are merged at once; a block is found in a list at most 1/16 larger than what was
// asked, which bounds waste.
//
// The heap owns no memory: regions are added, and are touched only where blocks begin, so that memory which
// was never handed out is never written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fata::libc {

class Heap {
 public:
  static constexpr std::size_t kAlignment = 16;

  // Hands `size` bytes at `memory` to the heap for good. Too small a region (under 64 bytes) is ignored.
  void add_region(void* memory, std::size_t size);

  // nullptr if no free block is large enough. `alignment` is a power of two.
  void* allocate(std::size_t size, std::size_t alignment = kAlignment);
  // nullptr is ignored. Freeing twice, or what was never allocated, is reported by a panic where it can be
  // seen.
  void release(void* memory);
  // Grows or shrinks in place where possible. nullptr (and the old block untouched) if there is no room.
  void* resize(void* memory, std::size_t size);

  // Bytes that can be used at `memory`.
  static std::size_t usable_size(const void* memory);

  std::size_t total() const { return total_; }  // bytes in all regions
  std::size_t used() const { return used_; }    // bytes in allocated blocks, headers included
  std::size_t peak() const { return peak_; }
  std::size_t largest_free() const;  // bytes that one allocation could get (a lower bound within 1/16)

 private:
  struct Block;
  static constexpr unsigned kClassBits = 4;  // 16 lists for each power of two
  static constexpr unsigned kClasses = 1U << kClassBits;
  static constexpr unsigned kPowers = 40;  // blocks below 2^44 bytes

  struct Place {
    unsigned power, slot;
  };
  static Place place_of(std::size_t size);
  Block* find(std::size_t size);
  void insert(Block* block);
  void remove(Block* block);
  void split(Block* block, std::size_t size);
  Block* merge_with_neighbours(Block* block);
  void count_used(std::size_t more);

  std::uint64_t powers_ = 0;
  std::array<std::uint16_t, kPowers> slots_{};
  std::array<std::array<Block*, kClasses>, kPowers> free_{};
  std::size_t total_ = 0;
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
};

}  // namespace fata::libc
