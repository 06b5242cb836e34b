#include "fata/sim/domain_grants.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "fata/base/panic.hpp"
#include "fata/sim/domains.hpp"

namespace fata::sim {

DomainMemory::DomainMemory() : file_(memfd_create("domains", MFD_CLOEXEC)) {
  check(file_ >= 0, "no memory file");
}
DomainMemory::~DomainMemory() { close(file_); }

std::size_t DomainMemory::new_page() {
  if (free_.empty()) {
    check(ftruncate(file_, static_cast<off_t>((count_ + 1) * sig::kGrantPage)) == 0,
          "no memory for pages");
    return count_++;
  }
  const std::size_t page = free_.back();
  free_.pop_back();
  const MutableBytes memory = map({&page, 1}, true);
  std::ranges::fill(memory, std::byte{0});
  unmap(memory);
  return page;
}

MutableBytes DomainMemory::map(std::span<const std::size_t> pages, bool writable) {
  const std::size_t size = pages.size() * sig::kGrantPage;
  void* const at = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(at != MAP_FAILED, "no addresses for pages");
  const MutableBytes memory = danger_span(static_cast<std::byte*>(at), size);
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const int access = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void* const page =
        mmap(memory.subspan(i * sig::kGrantPage).data(), sig::kGrantPage, access,
             MAP_SHARED | MAP_FIXED, file_, static_cast<off_t>(pages[i] * sig::kGrantPage));
    check(page != MAP_FAILED, "a page cannot be mapped");
  }
  return memory;
}

void DomainMemory::unmap(MutableBytes memory) { munmap(memory.data(), memory.size()); }

// The pages of one offer, in its owner's memory.
struct GrantTable::Pages {
  GrantTable* owner;
  MutableBytes memory;
  std::vector<sig::GrantReference> references;
};

MutableBytes GrantTable::Offer::memory() const {
  return pages_ == nullptr ? MutableBytes{} : pages_->memory;
}
std::span<const sig::GrantReference> GrantTable::Offer::references() const {
  if (pages_ == nullptr) return {};
  return pages_->references;
}
bool GrantTable::Offer::take_back() {
  if (pages_ != nullptr && !pages_->owner->end(*pages_)) return false;
  pages_.reset();
  return true;
}
GrantTable::Offer::~Offer() {
  if (!take_back()) pages_->owner->left_.push_back(pages_);
}

GrantTable::Mapping& GrantTable::Mapping::operator=(Mapping&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(id_, other.id_);
  std::swap(memory_, other.memory_);
  return *this;
}
GrantTable::Mapping::~Mapping() {
  if (owner_ == nullptr) return;
  DomainMemory::unmap(memory_);
  owner_->unmap(id_);
}

GrantTable::~GrantTable() { die(); }

Result<GrantTable::Offer> GrantTable::offer(sig::DomainId to, std::size_t pages,
                                            sig::GrantAccess access) {
  check(pages != 0, "an offer of nothing");
  if (dead_) return fail(Error(sig::DomainErrc::kGone));
  sweep();
  if (grants_.size() + pages > kMaxGrants) return fail(Error(sig::DomainErrc::kExhausted));
  std::vector<std::size_t> numbers;
  Offer offer;
  offer.pages_ = std::make_shared<Pages>(Pages{this, {}, {}});
  for (std::size_t i = 0; i < pages; ++i) {
    numbers.push_back(host_->memory().new_page());
    offer.pages_->references.push_back(next_);
    grants_[next_++] = {numbers.back(), to, access == sig::GrantAccess::kWrite};
  }
  offer.pages_->memory = host_->memory().map(numbers, true);
  return offer;
}

Result<GrantTable::Mapping> GrantTable::map(sig::DomainId from,
                                            std::span<const sig::GrantReference> references,
                                            sig::GrantAccess access) {
  if (dead_) return fail(Error(sig::DomainErrc::kGone));
  Domain* const owner = host_->alive(from);
  if (owner == nullptr) return fail(Error(sig::DomainErrc::kNotFound));
  if (references.empty()) return fail(Error(sig::DomainErrc::kBadReference));
  if (mapped_ + references.size() > kMaxMapped) return fail(Error(sig::DomainErrc::kExhausted));
  const bool writable = access == sig::GrantAccess::kWrite;
  std::vector<Grant*> grants;
  std::vector<std::size_t> pages;
  for (const sig::GrantReference reference : references) {
    const auto found = owner->grants().grants_.find(reference);
    if (found == owner->grants().grants_.end() || found->second.to != self_ || found->second.ended)
      return fail(Error(sig::DomainErrc::kBadReference));
    if (writable && !found->second.writable) return fail(Error(sig::DomainErrc::kDenied));
    grants.push_back(&found->second);
    pages.push_back(found->second.page);
  }
  for (Grant* grant : grants) ++grant->mapped;
  Mapping mapping;
  mapping.owner_ = this;
  mapping.id_ = next_mapping_++;
  mapping.memory_ = host_->memory().map(pages, writable);
  mappings_[mapping.id_] = {from, {references.begin(), references.end()}};
  mapped_ += references.size();
  return mapping;
}

// A dead domain has already released its grants.
void GrantTable::unmap(std::size_t id) {
  const auto found = mappings_.find(id);
  if (found == mappings_.end()) return;
  const Mapped mapped = std::move(found->second);
  mappings_.erase(found);
  mapped_ -= mapped.references.size();
  if (Domain* const from = host_->alive(mapped.from)) from->grants().let_go(mapped.references);
}

void GrantTable::let_go(std::span<const sig::GrantReference> references) {
  for (const sig::GrantReference reference : references) {
    const auto found = grants_.find(reference);
    if (found != grants_.end()) --found->second.mapped;
  }
  sweep();
}

bool GrantTable::end(Pages& pages) {
  bool all = true;
  for (const sig::GrantReference reference : pages.references) {
    const auto found = grants_.find(reference);
    if (found == grants_.end()) continue;
    found->second.ended = true;
    if (found->second.mapped != 0) all = false;
  }
  if (!all) return false;
  for (const sig::GrantReference reference : pages.references) {
    const auto found = grants_.find(reference);
    if (found == grants_.end()) continue;
    host_->memory().free_page(found->second.page);
    grants_.erase(found);
  }
  DomainMemory::unmap(pages.memory);
  return true;
}

void GrantTable::sweep() {
  std::erase_if(left_, [this](const std::shared_ptr<Pages>& pages) { return end(*pages); });
}

void GrantTable::die() {
  dead_ = true;
  while (!mappings_.empty()) unmap(mappings_.begin()->first);
  // Domains that map its pages keep them, because page numbers are never reused.
  grants_.clear();
  for (const std::shared_ptr<Pages>& pages : left_) DomainMemory::unmap(pages->memory);
  left_.clear();
}

}  // namespace fata::sim
