#include "page_tables.hpp"

#include "fata/arch/boot.hpp"
#include "fata/arch/cpu.hpp"
#include "fata/base/danger.hpp"

namespace fata::arch {
namespace {
constexpr std::uint64_t kPresent = 1;
constexpr std::uint64_t kLarge = 1ULL << 7;
constexpr std::uint64_t kAddress = 0x000ffffffffff000;
constexpr std::uint64_t kLargePage = 2ULL << 20;
constexpr std::size_t kEntries = kPage / sizeof(std::uint64_t);
}  // namespace

std::uint64_t PageTables::new_table() {
  if (next_ == memory_.end) {
    static constexpr char kText[] = "too many devices: no room for their page tables";
    fata_platform_refuse(kText, sizeof(kText) - 1);
  }
  const std::uint64_t table = next_;
  next_ += kPage;
  for (std::uint64_t& word : danger_span(words(table), kEntries)) word = 0;
  return table;
}

// The entry at that level (1: page table, 2: directory) for an address; nullptr if a table on the
// path is missing and `create` is false.
std::uint64_t* PageTables::entry(std::uint64_t virtual_address, unsigned level, bool create) {
  std::uint64_t table = root_;
  for (unsigned at = 4;; --at) {
    auto* const slot = words(table) + ((virtual_address >> (12 + 9 * (at - 1))) & (kEntries - 1));
    if (at == level || (*slot & kLarge) != 0) return slot;
    if ((*slot & kPresent) == 0) {
      if (!create) return nullptr;
      *slot = new_table() | kPresent | kWritable;
    }
    table = *slot & kAddress;
  }
}

void PageTables::map(std::uint64_t virtual_address, std::uint64_t physical, std::uint64_t size,
                     Access access) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(access) ^ kExecutable) | kPresent;
  open();
  while (size != 0) {
    const bool large = ((virtual_address | physical) & (kLargePage - 1)) == 0 && size >= kLargePage;
    *entry(virtual_address, large ? 2 : 1, true) = physical | bits | (large ? kLarge : 0);
    const std::uint64_t step = large ? kLargePage : kPage;
    virtual_address += step, physical += step, size -= step;
  }
  close();
}

void PageTables::unmap_page(std::uint64_t virtual_address) {
  open();
  if (std::uint64_t* const slot = entry(virtual_address, 1, false)) *slot = 0;
  close();
  invalidate_page(virtual_address);
}

// The second root copies the first one's entries, so that both share the tables below.
void PageTables::hide() {
  const std::uint64_t first = root_;
  root_ = new_table();
  const auto from = danger_span<const std::uint64_t>(words(first), kEntries);
  std::uint64_t* to = words(root_);
  for (const std::uint64_t word : from) *to++ = word;
  map(kWindow + memory_.begin, memory_.begin, memory_.size(), kWritable);
  opened_ = root_, root_ = first;
  window_ = kWindow;
}

// Until hide(), the boot's tables are in use, which map everything.
void PageTables::open() const {
  if (window_ != 0) write_cr3(opened_);
}
void PageTables::close() const {
  if (window_ != 0) write_cr3(root_);
}

}  // namespace fata::arch
