#include "page_tables.hpp"

#include "fata/machine/cpu.hpp"

namespace fata::machine {
namespace {
constexpr std::uint64_t kPresent = 1;
constexpr std::uint64_t kLarge = 1ULL << 7;
constexpr std::uint64_t kAddress = 0x000ffffffffff000;
constexpr std::uint64_t kLargePage = 2ULL << 20;
}  // namespace

// The entry of that level (1: page table, 2: directory) for an address; nullptr if a table on the way is
// missing and must not be created.
std::uint64_t* PageTables::entry(std::uint64_t virtual_address, unsigned level, bool create) {
  std::uint64_t table = root_;
  for (unsigned at = 4;; --at) {
    auto* const slot =
        reinterpret_cast<std::uint64_t*>(table) + ((virtual_address >> (12 + 9 * (at - 1))) & 511);
    if (at == level || (*slot & kLarge) != 0) return slot;
    if ((*slot & kPresent) == 0) {
      if (!create) return nullptr;
      *slot = allocate_() | kPresent | kWritable;
    }
    table = *slot & kAddress;
  }
}

void PageTables::map(std::uint64_t virtual_address, std::uint64_t physical, std::uint64_t size,
                     Access access) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(access) ^ kExecutable) | kPresent;
  while (size != 0) {
    const bool large = ((virtual_address | physical) & (kLargePage - 1)) == 0 && size >= kLargePage;
    *entry(virtual_address, large ? 2 : 1, true) = physical | bits | (large ? kLarge : 0);
    const std::uint64_t step = large ? kLargePage : kPage;
    virtual_address += step, physical += step, size -= step;
  }
}

void PageTables::unmap_page(std::uint64_t virtual_address) {
  if (std::uint64_t* const slot = entry(virtual_address, 1, false)) *slot = 0;
  invalidate_page(virtual_address);
}

}  // namespace fata::machine
