#include "fata/libc/heap.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "fata/base/panic.hpp"

namespace fata::libc {

// A block's header is 16 bytes, followed by its payload. The links are in the payload of a free
// block. `before` and the links are stored encoded: see open().
struct Heap::Block {
  static constexpr std::size_t kHeader = 16;
  static constexpr std::size_t kFree = 1;
  static constexpr std::size_t kMinimum = 32;  // header and links

  // The block that ends where this one begins; nullptr at the start of a region.
  Link before;
  std::size_t size_bits;  // of the whole block, a multiple of 16; bit 0: free
  Link next;
  Link previous;

  std::size_t size() const { return size_bits & ~std::size_t{15}; }
  bool is_free() const { return (size_bits & kFree) != 0; }
  // May return any address if the size was overwritten.
  Block* after() {
    return reinterpret_cast<Block*>(reinterpret_cast<std::uintptr_t>(this) + size());
  }
  void* payload() { return reinterpret_cast<char*>(this) + kHeader; }
  static Block* of(void* payload) {
    return reinterpret_cast<Block*>(static_cast<char*>(payload) - kHeader);
  }
};

namespace {
constexpr std::size_t kMax = std::size_t{1} << 43;  // bytes of a block

[[noreturn, gnu::cold, gnu::noinline]] void corrupt() {
  panic("heap is corrupt: a write to freed memory, or beyond a block's end");
}
void require(bool sound) {
  if (!sound) [[unlikely]]
    corrupt();
}

// The number of times that the width of a list has doubled, for payloads of `units` units of 16
// bytes.
unsigned doubled(std::size_t units) {
  return static_cast<unsigned>(std::bit_width(units | 16)) - 5;
}
}  // namespace

// A link is the XOR of the block's address, its own address and the secret. A value that this heap
// did not write, or that was moved from elsewhere, decodes to an address that is_inside() and the
// check of the reverse link reject.
inline Heap::Block* Heap::open(const Link& link) const {
  return reinterpret_cast<Block*>(link ^ reinterpret_cast<std::uintptr_t>(&link) ^ secret_);
}
inline void Heap::close(Link& link, const Block* block) const {
  link =
      reinterpret_cast<std::uintptr_t>(block) ^ reinterpret_cast<std::uintptr_t>(&link) ^ secret_;
}

// True if a header can be read there: at a multiple of 16 from the start of the lowest region to
// the end of the highest.
inline bool Heap::is_inside(const Block* block) const {
  return std::rotr(reinterpret_cast<std::uintptr_t>(block) - begin_, 4) < headers_;
}
// True if the block's size leads to a block whose `before` is this block.
inline bool Heap::is_whole(Block* block) const {
  Block* const after = block->after();
  return is_inside(after) && open(after->before) == block;
}

// Each list holds a range of payload sizes, in units of 16 bytes. Below 32 units, there is one list
// per size; above, there are 16 per power of two. A request is rounded up to the minimum of its
// list, so that every block of the list fits, and a freed block is found again.
struct Heap::Request {
  std::size_t size;  // of the block
  unsigned list;
};

inline Heap::Request Heap::request(std::size_t payload) {
  const std::size_t units = payload <= kAlignment ? 1 : (payload + kAlignment - 1) / kAlignment;
  const unsigned shift = doubled(units);
  const std::size_t steps = (units + (std::size_t{1} << shift) - 1) >> shift;
  return {(steps << shift) * kAlignment + Block::kHeader,
          shift * kClasses + static_cast<unsigned>(steps)};
}

inline unsigned Heap::list_of(std::size_t size) {
  const std::size_t units = (size - Block::kHeader) / kAlignment;
  const unsigned shift = doubled(units);
  return shift * kClasses + static_cast<unsigned>(units >> shift);
}

// The first non-empty list from `list` on; kLists if there is none.
[[gnu::always_inline]] inline unsigned Heap::find(unsigned list) const {
  const unsigned power = list / kClasses;
  const unsigned slots = slots_[power] & (~0U << list % kClasses);
  if (slots != 0) return power * kClasses + static_cast<unsigned>(std::countr_zero(slots));
  const std::uint64_t powers = powers_ & (~std::uint64_t{1} << power);
  if (powers == 0) return kLists;
  const auto next = static_cast<unsigned>(std::countr_zero(powers));
  return next * kClasses + static_cast<unsigned>(std::countr_zero(slots_[next]));
}

inline void Heap::insert(Block* block) {
  block->size_bits |= Block::kFree;
  const unsigned list = list_of(block->size());
  Block*& head = free_[list];
  close(block->previous, nullptr);
  close(block->next, head);
  if (head != nullptr) {
    close(head->previous, block);
  } else {
    std::uint16_t& slots = slots_[list / kClasses];
    slots = static_cast<std::uint16_t>(slots | 1U << list % kClasses);
    powers_ |= std::uint64_t{1} << list / kClasses;
  }
  head = block;
}

// Takes the first block of that list, or of the next non-empty one; nullptr if there is none. Every
// field that a write to the free block could have changed is checked before use.
Heap::Block* Heap::take(unsigned list) {
  list = find(list);
  if (list == kLists) return nullptr;
  Block*& head = free_[list];
  Block* const block = head;
  require(open(block->previous) == nullptr && is_whole(block));
  Block* const next = open(block->next);
  head = next;
  if (next != nullptr) {
    require(is_inside(next) && open(next->previous) == block);
    close(next->previous, nullptr);
  } else {
    forget(list);
  }
  block->size_bits &= ~Block::kFree;
  return block;
}

// Removes a block from the middle of its list. The caller has checked its size.
inline void Heap::remove(Block* block) {
  Block* const next = open(block->next);
  Block* const previous = open(block->previous);
  if (next != nullptr) {
    require(is_inside(next) && open(next->previous) == block);
    close(next->previous, previous);
  }
  block->size_bits &= ~Block::kFree;
  if (previous != nullptr) {
    require(is_inside(previous) && open(previous->next) == block);
    close(previous->next, next);
    return;
  }
  const unsigned list = list_of(block->size());
  require(free_[list] == block);
  free_[list] = next;
  if (next == nullptr) forget(list);
}

inline void Heap::forget(unsigned empty) {
  std::uint16_t& slots = slots_[empty / kClasses];
  slots = static_cast<std::uint16_t>(slots & ~(1U << empty % kClasses));
  if (slots == 0) powers_ &= ~(std::uint64_t{1} << empty / kClasses);
}

// Splits off the part of an allocated block beyond `size` and frees it; the following block must
// not be free.
inline void Heap::split(Block* block, std::size_t size) {
  const std::size_t rest = block->size() - size;
  if (rest < Block::kMinimum) return;
  block->size_bits = size;
  Block* const cut = block->after();
  close(cut->before, block);
  cut->size_bits = rest;
  close(cut->after()->before, cut);
  insert(cut);
}

// The caller has checked that the block is whole, except for the link back to it.
[[gnu::always_inline]] inline Heap::Block* Heap::merge_with_neighbours(Block* block) {
  if (Block* const after = block->after(); after->is_free()) {
    require(is_whole(after));
    remove(after);
    block->size_bits += after->size();
  }
  if (Block* const before = open(block->before); before != nullptr) {
    require(is_inside(before) && before->after() == block);
    if (before->is_free()) {
      remove(before);
      before->size_bits += block->size();
      block = before;
    }
  }
  close(block->after()->before, block);
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
  cover(reinterpret_cast<std::uintptr_t>(block), size);
  close(block->before, nullptr);
  block->size_bits = size - Block::kHeader;
  // An allocated block without payload ends the region, so that nothing merges past it.
  Block* const end = block->after();
  close(end->before, block);
  end->size_bits = 0;
  used_ += block->size();
  release(block->payload());
}

// Extends the range of valid block addresses, from the start of the lowest region to the end of the
// highest.
void Heap::cover(std::uintptr_t begin, std::size_t size) {
  std::uintptr_t end = begin + size;
  if (headers_ != 0) {
    end = std::max(end, begin_ + headers_ * kAlignment);
    begin = std::min(begin, begin_);
  }
  begin_ = begin;
  headers_ = (end - begin) / kAlignment;
}

void* Heap::allocate(std::size_t size, std::size_t alignment) {
  if (size > kMax || alignment > kMax) return nullptr;
  const Request wanted = request(size);
  Block* const block = alignment > kAlignment ? take_aligned(wanted, alignment) : take(wanted.list);
  if (block == nullptr) return nullptr;
  split(block, wanted.size);
  count_used(block->size());
  return block->payload();
}

// The size to split off a block's front to align the rest: nothing, or enough for a separate block.
std::size_t Heap::front_of(Block* block, std::size_t alignment) {
  const auto start = reinterpret_cast<std::uintptr_t>(block->payload());
  const std::size_t front = -start & (alignment - 1);
  return front != 0 && front < Block::kMinimum ? front + alignment : front;
}

Heap::Block* Heap::take_aligned(const Request& wanted, std::size_t alignment) {
  Block* block = take(request(wanted.size + alignment + Block::kHeader).list);
  if (block == nullptr) block = search_aligned(wanted, alignment);
  if (block == nullptr) return nullptr;
  const std::size_t front = front_of(block, alignment);
  if (front == 0) return block;
  Block* const back = reinterpret_cast<Block*>(reinterpret_cast<char*>(block) + front);
  close(back->before, block);
  back->size_bits = block->size() - front;
  close(back->after()->before, back);
  block->size_bits = front;
  used_ += front;
  release(block->payload());
  return back;
}

// The last resort: searches all blocks of sufficient size for one that can be aligned.
Heap::Block* Heap::search_aligned(const Request& wanted, std::size_t alignment) {
  for (unsigned list = wanted.list; list < kLists; ++list) {
    for (Block* block = free_[list]; block != nullptr; block = open(block->next)) {
      require(is_inside(block) && is_whole(block));
      if (front_of(block, alignment) + wanted.size > block->size()) continue;
      remove(block);
      return block;
    }
  }
  return nullptr;
}

void Heap::release(void* memory) {
  if (memory == nullptr) return;
  Block* const block = allocated(memory);
  used_ -= block->size();
  insert(merge_with_neighbours(block));
}

// Returns the block of `memory`, after checking that it is allocated and not overrun.
[[gnu::always_inline]] inline Heap::Block* Heap::allocated(void* memory) const {
  Block* const block = Block::of(memory);
  check(!block->is_free(), "memory freed twice");
  check(block->size() != 0 && is_whole(block), "freed memory is not the heap's, or was overrun");
  return block;
}

void* Heap::resize(void* memory, std::size_t size) {
  if (memory == nullptr) return allocate(size);
  Block* const block = allocated(memory);
  const std::size_t old = block->size();
  if (size > kMax) return nullptr;
  const std::size_t wanted = request(size).size;
  Block* const after = block->after();
  // A free following block is taken whole; the excess is split off again.
  if (after->is_free() && old + after->size() >= wanted) {
    require(is_whole(after));
    remove(after);
    block->size_bits += after->size();
    close(block->after()->before, block);
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
  return free_[power * kClasses + slot]->size() - Block::kHeader;
}

}  // namespace fata::libc
