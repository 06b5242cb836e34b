// Four-level page tables, built before the switch to them and extended after it. They are in one
// stretch of memory that they do not map, so code that runs under them can neither read nor write
// them. map() accesses them through a second root, which maps the stretch in addition to everything
// that the first root maps.
#pragma once

#include <cstdint>

#include "fata/arch/memory.hpp"

namespace fata::arch {

class PageTables {
 public:
  // `memory` is for tables only and mapped by nothing else; if it runs out, the image ends.
  void start(Region memory) { memory_ = memory, next_ = memory.begin, root_ = new_table(); }
  // Called after the last map() before the switch to root().
  void hide();
  std::uint64_t root() const { return root_; }
  const Region& memory() const { return memory_; }

  // Maps whole pages, in units of 2 MiB where both addresses and the size allow it.
  void map(std::uint64_t virtual_address, std::uint64_t physical, std::uint64_t size,
           Access access);
  void unmap_page(std::uint64_t virtual_address);

 private:
  // The address of the stretch under the second root: the last of 512 entries, which no other
  // address needs.
  static constexpr std::uint64_t kWindow = 0xffff'ff80'0000'0000;

  std::uint64_t* words(std::uint64_t table) const {
    return reinterpret_cast<std::uint64_t*>(table + window_);
  }
  std::uint64_t new_table();
  std::uint64_t* entry(std::uint64_t virtual_address, unsigned level, bool create);
  void open() const;
  void close() const;

  Region memory_{};
  std::uint64_t next_ = 0;  // the first unused page of `memory_`
  std::uint64_t root_ = 0;
  std::uint64_t opened_ = 0;  // the second root
  std::uint64_t window_ = 0;  // offset from a table's physical address to its virtual one
};

}  // namespace fata::arch
