// Pages that other domains grant to this one. A mapped page is the same memory at two addresses, as
// a hypervisor makes it; a surrendered address without a page cannot be written.
#pragma once

#include <cstddef>
#include <map>

#include "fata/base/result.hpp"
#include "fata/bus/xen.hpp"

namespace fata::sim {

class ForeignPages {
 public:
  static constexpr std::size_t kMax = 2048;

  ForeignPages();
  ~ForeignPages();
  ForeignPages(const ForeignPages&) = delete;
  ForeignPages& operator=(const ForeignPages&) = delete;

  // Another domain grants a page of zeros.
  bus::xen::GrantRef share(bus::xen::Domain owner, bool read_only);
  // The page as its owner sees it.
  std::byte* of(bus::xen::GrantRef ref) const;

  // The hypervisor's calls (fata/bus/xen.hpp).
  bool surrender(void* page);
  Result<bus::xen::MapHandle> map(void* at, bus::xen::Domain from, bus::xen::GrantRef ref,
                                  bool read_only);
  void unmap(void* at, bus::xen::MapHandle handle);
  // The domain moves to another host, where nothing is mapped or granted.
  void move_on();

  std::size_t mapped() const { return mapped_.size(); }
  std::size_t surrendered = 0;

 private:
  struct Grant {
    bus::xen::Domain owner;
    bool read_only;
  };
  int file_;
  std::byte* memory_;
  std::size_t count_ = 0;
  std::map<bus::xen::GrantRef, Grant> grants_;
  std::map<void*, bus::xen::MapHandle> mapped_;
  bus::xen::MapHandle next_handle_ = 1;
};

}  // namespace fata::sim
