// The domain's own grant table, whose frames are mapped in place of heap pages, and pages of other
// domains.
#include "fata/bus/xen/grants.hpp"

#include "hypercall.hpp"

namespace fata::bus::xen {
namespace {

void* grow(std::size_t index) {
  static constinit std::array<void*, GrantTable::kMaxFrames> pages{};
  if (pages[index] == nullptr) pages[index] = fata::xen::new_page();
  return fata::xen::map_hypervisor_page(XENMAPSPACE_grant_table, index, pages[index]) ? pages[index]
                                                                                      : nullptr;
}
constinit GrantTable table(grow);

sig::DomainErrc error_of(std::int16_t status) {
  switch (status) {
    case GNTST_bad_domain:
      return sig::DomainErrc::kNotFound;
    case GNTST_permission_denied:
      return sig::DomainErrc::kDenied;
    case GNTST_no_space:
      return sig::DomainErrc::kExhausted;
    // For a reference that was granted for reading only, or to another domain, Xen reports a
    // general error.
    default:
      return sig::DomainErrc::kBadReference;
  }
}

}  // namespace

GrantTable& grants() noexcept { return table; }

bool surrender_page(void* page) noexcept {
  xen_pfn_t frame = frame_of(page);
  xen_memory_reservation_t request{};
  request.extent_start.p = &frame;
  request.nr_extents = 1;
  request.domid = DOMID_SELF;
  return fata::xen::call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &request) == 1;
}

Result<MapHandle> map_page(void* at, Domain from, GrantRef ref, bool read_only) noexcept {
  gnttab_map_grant_ref_t request{};
  request.host_addr = frame_of(at) * sig::kGrantPage;
  request.flags = GNTMAP_host_map | (read_only ? GNTMAP_readonly : 0);
  request.ref = ref;
  request.dom = from;
  const long status =
      fata::xen::call(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &request, 1);
  if (status != 0)
    return fail(Error(sig::DomainErrc::kRefused, static_cast<std::uint32_t>(-status)));
  if (request.status == GNTST_okay) return request.handle;
  const sig::DomainErrc why = error_of(request.status);
  const bool general = why == sig::DomainErrc::kBadReference && request.status != GNTST_bad_gntref;
  return fail(Error(why, general ? static_cast<std::uint32_t>(-request.status) : 0));
}

void unmap_page(void* at, MapHandle handle) noexcept {
  gnttab_unmap_grant_ref_t request{frame_of(at) * sig::kGrantPage, 0, handle, 0};
  fata::xen::call(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &request, 1);
}

}  // namespace fata::bus::xen
