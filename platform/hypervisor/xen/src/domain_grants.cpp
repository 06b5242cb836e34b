// The domain's own grant table: its frames are mapped in place of heap pages.
#include "fata/bus/xen/grants.hpp"
#include "hypercall.hpp"

namespace fata::xen {
namespace {

void* grow(std::size_t index) {
  static constinit std::array<void*, GrantTable::kMaxFrames> pages{};
  if (pages[index] == nullptr) pages[index] = new_page();
  return map_hypervisor_page(XENMAPSPACE_grant_table, index, pages[index]) ? pages[index] : nullptr;
}
constinit GrantTable table(grow);

}  // namespace

}  // namespace fata::xen

fata::bus::xen::GrantTable& fata::bus::xen::grants() noexcept { return fata::xen::table; }
