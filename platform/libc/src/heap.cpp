#include "fata/libc/heap.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "fata/base/panic.hpp"

namespace fata::libc {

// A block's header is 16 bytes; its payload follows. The links live in the payload of a free block.
struct Heap::Block {
  static constexpr std::size_t kHeader = 16;
  static constexpr std::size_t kFree = 1;
  static constexpr std::size_t kMinimum = 32;  // header and links

  Block* before;          // the block that ends where this one begins; nullptr at a region's start
  std::size_t size_bits;  // of the whole block, a multiple of 16; bit 0: free
  Block* next;
  Block* previous;

  std::size_t size() const { return size_bits & ~std::size_t{15}; }
  bool is_free() const { return (size_bits & kFree) != 0; }
  Block* after() { return reinterpret_cast<Block*>(reinterpret_cast<char*>(this) + size()); }
  void* payload() { return reinterpret_cast<char*>(this) + kHeader; }
  static Block* of(void* payload) { return reinterpret_cast<Block*>(static_cast<char*>(payload) - kHeader); }
};

// Sizes are multiples of 16. Those below 256 have a list each; above, 16 lists for each power of two.
// `doubled` is how often the width of a list has doubled.
namespace {
unsigned doubled(std::size_t units) { return static_cast<unsigned>(std::bit_width(units | 16)) - 5; }
}  // namespace

Heap::Place Heap::place_of(std::size_t size) {
  static_assert(kClasses == 16);
  const std::size_t units = size / kAlignment;
  const unsigned shift = doubled(units);
  return {shift + (units >= kClasses ? 1 : 0), static_cast<unsigned>(units >> shift) & (kClasses - 1)};
}

// The first block of the first list whose blocks are all large enough.
Heap::Block* Heap::find(std::size_t size) {
  size += ((std::size_t{1} << doubled(size / kAlignment)) - 1) * kAlignment;
  Place place = place_of(size);
  if (place.power >= kPowers) return nullptr;
  unsigned slots = slots_[place.power] & (~0U << place.slot);
  if (slots == 0) {
    const std::uint64_t powers = powers_ & (~std::uint64_t{1} << place.power);
    if (powers == 0) return nullptr;
    place.power = static_cast<unsigned>(std::countr_zero(powers));
    slots = slots_[place.power];
  }
  return free_[place.power][static_cast<unsigned>(std::countr_zero(slots))];
}

void Heap::insert(Block* block) {
  block->size_bits |= Block::kFree;
  const Place place = place_of(block->size());
  Block*& head = free_[place.power][place.slot];
  block->previous = nullptr;
  block->next = head;
  if (head != nullptr) head->previous = block;
  head = block;
  slots_[place.power] = static_cast<std::uint16_t>(slots_[place.power] | 1U << place.slot);
  powers_ |= std::uint64_t{1} << place.power;
}

void Heap::remove(Block* block) {
  block->size_bits &= ~Block::kFree;
  const Place place = place_of(block->size());
  if (block->next != nullptr) block->next->previous = block->previous;
  if (block->previous != nullptr) {
    check(block->previous->next == block, "heap is corrupt: a write to freed memory");
    block->previous->next = block->next;
    return;
  }
  check(free_[place.power][place.slot] == block, "heap is corrupt: a write to freed memory");
  free_[place.power][place.slot] = block->next;
  if (block->next != nullptr) return;
  slots_[place.power] = static_cast<std::uint16_t>(slots_[place.power] & ~(1U << place.slot));
  if (slots_[place.power] == 0) powers_ &= ~(std::uint64_t{1} << place.power);
}

// Cuts what an allocated block has beyond `size` and frees it.
void Heap::split(Block* block, std::size_t size) {
  const std::size_t rest = block->size() - size;
  if (rest < Block::kMinimum) return;
  block->size_bits = size;
  Block* const cut = block->after();
  cut->before = block;
  cut->size_bits = rest;
  cut->after()->before = cut;
  insert(merge_with_neighbours(cut));
}

Heap::Block* Heap::merge_with_neighbours(Block* block) {
  if (Block* const after = block->after(); after->is_free()) {
    remove(after);
    block->size_bits += after->size();
  }
  if (Block* const before = block->before; before != nullptr && before->is_free()) {
    remove(before);
    before->size_bits += block->size();
    block = before;
  }
  block->after()->before = block;
  return block;
}

void Heap::count_used(std::size_t more) {
  used_ += more;
  peak_ = std::max(peak_, used_);
}

void Heap::add_region(void* memory, std::size_t size) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const std::size_t skip = (kAlignment - address % kAlignment) % kAlignment;
  if (size < skip + Block::kMinimum + Block::kHeader) return;
  size = (size - skip) & ~(kAlignment - 1);
  total_ += size;
  Block* const block = reinterpret_cast<Block*>(static_cast<char*>(memory) + skip);
  block->before = nullptr;
  block->size_bits = size - Block::kHeader;
  // An allocated block of no payload ends the region, so that nothing merges past it.
  Block* const end = block->after();
  end->before = block;
  end->size_bits = 0;
  insert(block);
}

void* Heap::allocate(std::size_t size, std::size_t alignment) {
  constexpr std::size_t kHuge = std::size_t{1} << 43;
  if (size > kHuge || alignment > kHuge) return nullptr;
  const std::size_t wanted =
      std::max((size + kAlignment - 1) & ~(kAlignment - 1), Block::kMinimum - Block::kHeader) +
      Block::kHeader;
  const bool aligned = alignment > kAlignment;
  Block* block = find(aligned ? wanted + alignment + Block::kMinimum : wanted);
  if (block == nullptr) return nullptr;
  remove(block);
  if (aligned) {
    // The front is cut off as a free block of its own, so it must be large enough for one.
    const auto start = reinterpret_cast<std::uintptr_t>(block->payload());
    std::uintptr_t payload = (start + alignment - 1) & ~(alignment - 1);
    if (payload != start && payload - start < Block::kMinimum) payload += alignment;
    if (payload != start) {
      const std::size_t front = payload - start;
      Block* const back = reinterpret_cast<Block*>(reinterpret_cast<char*>(block) + front);
      back->before = block;
      back->size_bits = block->size() - front;
      back->after()->before = back;
      block->size_bits = front;
      insert(block);
      block = back;
    }
  }
  split(block, wanted);
  count_used(block->size());
  return block->payload();
}

void Heap::release(void* memory) {
  if (memory == nullptr) return;
  Block* const block = Block::of(memory);
  check(!block->is_free(), "memory freed twice");
  check(block->size() != 0 && block->after()->before == block,
        "freed memory is not the heap's, or was overrun");
  used_ -= block->size();
  insert(merge_with_neighbours(block));
}

void* Heap::resize(void* memory, std::size_t size) {
  if (memory == nullptr) return allocate(size);
  Block* const block = Block::of(memory);
  check(!block->is_free() && block->after()->before == block,
        "resized memory is not the heap's, or was overrun");
  const std::size_t old = block->size();
  if (size > std::size_t{1} << 43) return nullptr;
  const std::size_t wanted =
      std::max((size + kAlignment - 1) & ~(kAlignment - 1), Block::kMinimum - Block::kHeader) +
      Block::kHeader;
  Block* const after = block->after();
  if (wanted > old && after->is_free() && old + after->size() >= wanted) {
    remove(after);
    block->size_bits += after->size();
    block->after()->before = block;
  }
  if (wanted <= block->size()) {
    split(block, wanted);
    used_ -= old;
    count_used(block->size());
    return memory;
  }
  void* const moved = allocate(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, memory, old - Block::kHeader);
  release(memory);
  return moved;
}

std::size_t Heap::usable_size(const void* memory) {
  return Block::of(const_cast<void*>(memory))->size() - Block::kHeader;
}

std::size_t Heap::largest_free() const {
  if (powers_ == 0) return 0;
  const unsigned power = static_cast<unsigned>(std::bit_width(powers_)) - 1;
  const unsigned slot = static_cast<unsigned>(std::bit_width(slots_[power])) - 1;
  return free_[power][slot]->size() - Block::kHeader;
}

}  // namespace fata::libc
