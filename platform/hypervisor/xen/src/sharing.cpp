// Pages shared with other domains: granted through the table, and mapped at addresses whose own
// memory was returned to the hypervisor.
#include "fata/xen/sharing.hpp"

#include <cstdlib>
#include <cstring>

#include "fata/base/panic.hpp"
#include "hypercall.hpp"

namespace fata::xen {
namespace {

using sig::DomainErrc;

Error error_of(std::int16_t status) {
  switch (status) {
    case GNTST_bad_domain:
      return DomainErrc::kNotFound;
    case GNTST_bad_gntref:
      return DomainErrc::kBadReference;
    case GNTST_permission_denied:
      return DomainErrc::kDenied;
    case GNTST_no_space:
      return DomainErrc::kExhausted;
    // For a reference that was granted for reading only, or to another domain, Xen reports a
    // general error.
    default:
      return Error(DomainErrc::kBadReference, static_cast<std::uint32_t>(-status));
  }
}

MutableBytes new_pages(std::size_t count) {
  void* const memory = std::aligned_alloc(sig::kGrantPage, count * sig::kGrantPage);
  std::memset(memory, 0, count * sig::kGrantPage);
  return danger_span(static_cast<std::byte*>(memory), count * sig::kGrantPage);
}

}  // namespace

struct PageSharing::Pages {
  ~Pages() { std::free(memory.data()); }
  // Ends all grants; false if a grant is still in use. After a resume, the table has none of them.
  bool end() {
    for (; ended != references.size() && grants().epoch() == epoch; ++ended) {
      if (!grants().end(references[ended])) return false;
    }
    return true;
  }

  MutableBytes memory;
  std::vector<sig::GrantReference> references;
  std::size_t ended = 0;  // number of ended references, from the front
  std::uint32_t epoch = grants().epoch();
};

// Addresses without memory behind them; other domains' pages are mapped there unless it is in
// free_.
struct PageSharing::Window {
  MutableBytes memory;
  std::vector<grant_handle_t> handles;
  std::uint32_t epoch = 0;

  std::uint64_t address_of(std::size_t page) const {
    return frame_of(memory.subspan(page * sig::kGrantPage).data()) * sig::kGrantPage;
  }
  void unmap() {
    for (std::size_t i = 0; i < handles.size() && epoch == grants().epoch(); ++i) {
      gnttab_unmap_grant_ref_t request{address_of(i), 0, handles[i], 0};
      call(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &request, 1);
    }
    handles.clear();
  }
};

PageSharing::Offer::Offer() = default;
PageSharing::Offer::Offer(Offer&& other) noexcept { *this = std::move(other); }
PageSharing::Offer& PageSharing::Offer::operator=(Offer&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(pages_, other.pages_);
  return *this;
}
PageSharing::Offer::~Offer() {
  if (!take_back()) owner_->left_.push_back(std::move(pages_));
}
MutableBytes PageSharing::Offer::memory() const {
  return pages_ == nullptr ? MutableBytes{} : pages_->memory;
}
std::span<const sig::GrantReference> PageSharing::Offer::references() const {
  if (pages_ == nullptr) return {};
  return pages_->references;
}
bool PageSharing::Offer::take_back() {
  if (pages_ != nullptr && !pages_->end()) return false;
  pages_.reset();
  return true;
}

PageSharing::Mapping::Mapping() = default;
PageSharing::Mapping::Mapping(Mapping&& other) noexcept { *this = std::move(other); }
PageSharing::Mapping& PageSharing::Mapping::operator=(Mapping&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(window_, other.window_);
  return *this;
}
PageSharing::Mapping::~Mapping() {
  if (window_ == nullptr) return;
  window_->unmap();
  owner_->free_.push_back(std::move(window_));
}
MutableBytes PageSharing::Mapping::memory() const {
  return window_ == nullptr ? MutableBytes{} : window_->memory;
}

PageSharing::PageSharing() = default;
// Pages that other domains still use stay allocated until the domain ends.
PageSharing::~PageSharing() {
  sweep();
  for (std::unique_ptr<Pages>& pages : left_) (void)pages.release();
}

void PageSharing::sweep() {
  std::erase_if(left_, [](const std::unique_ptr<Pages>& pages) { return pages->end(); });
}

Result<PageSharing::Offer> PageSharing::offer(sig::DomainId to, std::size_t pages,
                                              sig::GrantAccess access) {
  check(pages != 0, "an offer of nothing");
  sweep();
  Offer offer;
  offer.owner_ = this;
  offer.pages_ = std::make_unique<Pages>();
  offer.pages_->memory = new_pages(pages);
  for (std::size_t i = 0; i < pages; ++i) {
    const std::byte* const page = offer.pages_->memory.subspan(i * sig::kGrantPage).data();
    const auto reference = grants().grant(to, frame_of(page), access == sig::GrantAccess::kRead);
    if (!reference) return fail(Error(DomainErrc::kExhausted));
    offer.pages_->references.push_back(*reference);
  }
  return offer;
}

std::unique_ptr<PageSharing::Window> PageSharing::window_of(std::size_t pages, Error& why) {
  for (std::unique_ptr<Window>& window : free_) {
    if (window->memory.size() != pages * sig::kGrantPage) continue;
    std::swap(window, free_.back());
    std::unique_ptr<Window> found = std::move(free_.back());
    free_.pop_back();
    return found;
  }
  if (windows_ + pages > kMaxMapped) {
    why = DomainErrc::kExhausted;
    return nullptr;
  }
  auto window = std::make_unique<Window>();
  window->memory = new_pages(pages);
  // Count the pages even if a call below fails: partly returned memory is no longer heap memory.
  windows_ += pages;
  for (std::size_t i = 0; i < pages; ++i) {
    xen_pfn_t frame = window->address_of(i) / sig::kGrantPage;
    xen_memory_reservation_t request{};
    request.extent_start.p = &frame;
    request.nr_extents = 1;
    request.domid = DOMID_SELF;
    if (call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &request) == 1) continue;
    why = DomainErrc::kRefused;
    return nullptr;
  }
  return window;
}

Result<PageSharing::Mapping> PageSharing::map(sig::DomainId from,
                                              std::span<const sig::GrantReference> references,
                                              sig::GrantAccess access) {
  if (references.empty()) return fail(Error(DomainErrc::kBadReference));
  Error why = DomainErrc::kRefused;
  Mapping mapping;
  mapping.owner_ = this;
  mapping.window_ = window_of(references.size(), why);
  if (mapping.window_ == nullptr) return fail(why);
  Window& window = *mapping.window_;
  window.epoch = grants().epoch();
  for (std::size_t i = 0; i < references.size(); ++i) {
    gnttab_map_grant_ref_t request{};
    request.host_addr = window.address_of(i);
    request.flags = GNTMAP_host_map | (access == sig::GrantAccess::kRead ? GNTMAP_readonly : 0);
    request.ref = references[i];
    request.dom = from;
    const long status = call(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &request, 1);
    if (status != 0) return fail(Error(DomainErrc::kRefused, static_cast<std::uint32_t>(-status)));
    if (request.status != GNTST_okay) return fail(error_of(request.status));
    window.handles.push_back(request.handle);
  }
  return mapping;
}

}  // namespace fata::xen
