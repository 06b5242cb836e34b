#include "fata/sim/bus/foreign_pages.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "fata/base/danger.hpp"
#include "fata/base/panic.hpp"
#include "fata/sig/grant_table.hpp"

namespace fata::sim {
namespace {

constexpr std::size_t kPage = sig::kGrantPage;

void remove_memory(void* page) {
  void* const hole = mmap(page, kPage, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(hole == page, "a page cannot be removed");
}

}  // namespace

ForeignPages::ForeignPages() : file_(memfd_create("foreign pages", 0)) {
  check(file_ >= 0 && ftruncate(file_, kMax * kPage) == 0, "no memory for foreign pages");
  void* const all = mmap(nullptr, kMax * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  check(all != MAP_FAILED, "no memory for foreign pages");
  memory_ = static_cast<std::byte*>(all);
}

ForeignPages::~ForeignPages() {
  munmap(memory_, kMax * kPage);
  close(file_);
}

bus::xen::GrantRef ForeignPages::share(bus::xen::Domain owner, bool read_only) {
  check(count_ != kMax, "too many foreign pages");
  const auto ref = static_cast<bus::xen::GrantRef>(count_++);
  grants_[ref] = {owner, read_only};
  return ref;
}

std::byte* ForeignPages::of(bus::xen::GrantRef ref) const {
  return danger_span(memory_, kMax * kPage).subspan(ref * kPage).data();
}

bool ForeignPages::surrender(void* page) {
  ++surrendered;
  remove_memory(page);
  return true;
}

Result<bus::xen::MapHandle> ForeignPages::map(void* at, bus::xen::Domain from,
                                              bus::xen::GrantRef ref, bool read_only) {
  const bool exists =
      std::ranges::any_of(grants_, [&](const auto& grant) { return grant.second.owner == from; });
  if (!exists) return fail(Error(sig::DomainErrc::kNotFound));
  const auto grant = grants_.find(ref);
  if (grant == grants_.end() || grant->second.owner != from ||
      (grant->second.read_only && !read_only))
    return fail(Error(sig::DomainErrc::kBadReference));
  check(!mapped_.contains(at), "two pages at one address");
  const int access = read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  void* const page = mmap(at, kPage, access, MAP_FIXED | MAP_SHARED, file_,
                          static_cast<off_t>(std::size_t{ref} * kPage));
  check(page == at, "a page cannot be mapped");
  return mapped_[at] = next_handle_++;
}

void ForeignPages::unmap(void* at, bus::xen::MapHandle handle) {
  const auto found = mapped_.find(at);
  check(found != mapped_.end() && found->second == handle, "a page is unmapped that is not mapped");
  mapped_.erase(found);
  remove_memory(at);
}

void ForeignPages::move_on() {
  for (const auto& [page, handle] : mapped_) remove_memory(page);
  mapped_.clear();
  grants_.clear();
}

}  // namespace fata::sim
