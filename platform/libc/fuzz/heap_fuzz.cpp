// Compares an arbitrary sequence of allocations and releases with a model of the live blocks. No
// two blocks overlap, all are aligned and keep their bytes, freed blocks are found again, and no
// memory is lost at the end.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "fata/base/danger.hpp"
#include "fata/libc/heap.hpp"
#include "input.hpp"

namespace {

using fata::libc::Heap;

using fata::fuzz::require;

using fata::fuzz::Input;

// Sizes of all magnitudes, often near a power of two.
std::size_t size_from(Input& in) {
  const std::size_t shape = in.byte();
  const std::size_t power = std::size_t{1} << shape % 18;
  return shape < 128 ? power + in.byte() - 16 * (shape / 18) : power + in.word() % power;
}

class Model {
 public:
  static constexpr std::size_t kRegion = 1 << 18;
  static constexpr std::size_t kRegions = 3;

  Model(Input& in) : in_(&in), memory_(new char[kRegions * kRegion]) {
    heap_.set_secret(std::size_t{in.byte()} << 56 | std::size_t{in.byte()} << 32 | in.byte());
    add_region();
  }

  void run() {
    while (!in_->empty()) step(in_->byte());
    while (!live_.empty()) release(live_.begin());
    require(heap_.used() == 0);
    if (added_ == 1) require(heap_.largest_free() == whole_);
  }

 private:
  struct Live {
    std::size_t asked;
    std::size_t size;
    char fill;
  };
  using Blocks = std::map<char*, Live>;

  void add_region() {
    if (added_ == kRegions) return;
    // Regions start at any address and have gaps between them, so that they do not touch.
    const std::size_t skip = in_->byte() % 64 + 16;
    heap_.add_region(memory_.get() + added_ * kRegion + skip, kRegion - 2 * skip);
    if (added_++ == 0) whole_ = heap_.largest_free();
  }

  void step(std::size_t what) {
    switch (what % 8) {
      case 0:
      case 1:
      case 2:
        return allocate(size_from(*in_), Heap::kAlignment);
      case 3:
        return allocate(size_from(*in_), std::size_t{1} << in_->byte() % 15);
      case 4:
        return resize();
      case 5:
        return find_again();
      case 6:
        if (what == 6) return add_region();
        [[fallthrough]];
      default:
        if (!live_.empty()) release(chosen());
    }
  }

  Blocks::iterator chosen() {
    auto at = live_.lower_bound(memory_.get() + std::size_t{in_->word()} * 12);
    return at == live_.end() ? live_.begin() : at;
  }

  void allocate(std::size_t size, std::size_t alignment) {
    char* const block = static_cast<char*>(heap_.allocate(size, alignment));
    if (block == nullptr) return;
    require(reinterpret_cast<std::uintptr_t>(block) % std::max(alignment, Heap::kAlignment) == 0);
    keep(block, size);
  }
  // Records a block, which must not overlap another, and fills it.
  void keep(char* block, std::size_t size) {
    const std::size_t usable = Heap::usable_size(block);
    require(usable >= size && usable % 16 == 0);
    require(block >= memory_.get() && block + usable <= memory_.get() + added_ * kRegion);
    const auto after = live_.lower_bound(block);
    require(after == live_.end() || block + usable < after->first);
    if (after != live_.begin()) {
      const auto& [before, what] = *std::prev(after);
      require(before + what.size < block);
    }
    const char fill = static_cast<char>(++fills_);
    std::memset(block, fill, usable);
    live_[block] = {size, usable, fill};
  }
  void require_kept(const char* block, std::size_t size, char fill) {
    for (std::size_t i = 0; i < size; ++i) require(block[i] == fill);
  }
  void release(Blocks::iterator at) {
    require_kept(at->first, at->second.size, at->second.fill);
    heap_.release(at->first);
    live_.erase(at);
  }
  void resize() {
    if (live_.empty()) return;
    const auto at = chosen();
    const auto [block, old] = *at;
    const std::size_t size = size_from(*in_);
    char* const moved = static_cast<char*>(heap_.resize(block, size));
    if (moved == nullptr) return require_kept(block, old.size, old.fill);
    live_.erase(at);
    require_kept(moved, std::min(size, old.size), old.fill);
    keep(moved, size);
  }
  // A freed block can be allocated again at once.
  void find_again() {
    if (live_.empty()) return;
    const auto at = chosen();
    const std::size_t size = at->second.asked;
    release(at);
    char* const again = static_cast<char*>(heap_.allocate(size));
    require(again != nullptr);
    keep(again, size);
  }

  Input* in_;
  std::unique_ptr<char[]> memory_;
  Heap heap_;
  Blocks live_;
  std::size_t added_ = 0;
  std::size_t whole_ = 0;
  unsigned fills_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in(std::span(data, size));
  Model(in).run();
  return 0;
}
