// Four-level page tables, built before and extended after the switch to them. Table pages are reached by
// their physical address, which every map of ours covers.
#pragma once

#include <cstdint>

#include "fata/machine/memory.hpp"

namespace fata::machine {

class PageTables {
 public:
  // `allocate` gives one zeroed page.
  using Allocate = std::uint64_t (*)();

  void start(Allocate allocate) { allocate_ = allocate, root_ = allocate(); }
  void set_allocator(Allocate allocate) { allocate_ = allocate; }
  std::uint64_t root() const { return root_; }

  // Maps whole pages: in units of 2 MiB where both addresses and the size allow it.
  void map(std::uint64_t virtual_address, std::uint64_t physical, std::uint64_t size, Access access);
  void unmap_page(std::uint64_t virtual_address);

 private:
  std::uint64_t* entry(std::uint64_t virtual_address, unsigned level, bool create);

  Allocate allocate_ = nullptr;
  std::uint64_t root_ = 0;
};

}  // namespace fata::machine
