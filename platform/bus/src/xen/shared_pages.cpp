// Pages that applications share with other domains: granted through the table, and mapped at
// addresses whose own memory was returned to the hypervisor.
#include <cstdlib>
#include <cstring>

#include "fata/async/task.hpp"
#include "fata/base/danger.hpp"
#include "fata/base/panic.hpp"
#include "fata/bus/xen/grants.hpp"

namespace fata::bus::xen {
namespace {

using sig::DomainErrc;

MutableBytes new_pages(std::size_t count) {
  void* const memory = std::aligned_alloc(sig::kGrantPage, count * sig::kGrantPage);
  std::memset(memory, 0, count * sig::kGrantPage);
  return danger_span(static_cast<std::byte*>(memory), count * sig::kGrantPage);
}

std::byte* page_of(MutableBytes memory, std::size_t index) {
  return memory.subspan(index * sig::kGrantPage).data();
}

}  // namespace

struct GrantTable::Pages {
  ~Pages() { std::free(memory.data()); }
  // Ends all grants; false if a grant is still in use. After a resume, the table has none of them.
  bool end(GrantTable& table) {
    for (; ended != references.size() && table.epoch() == epoch; ++ended) {
      if (!table.end(references[ended])) return false;
    }
    return true;
  }

  MutableBytes memory;
  std::vector<sig::GrantReference> references;
  std::uint32_t epoch;
  std::size_t ended = 0;  // number of ended references, from the front
  Pages* next = nullptr;
};

// Addresses without memory behind them; other domains' pages are mapped there unless it is in
// free_windows_.
struct GrantTable::Window {
  void unmap(const GrantTable& table) {
    for (std::size_t i = 0; i < handles.size() && epoch == table.epoch(); ++i)
      unmap_page(page_of(memory, i), handles[i]);
    handles.clear();
  }

  MutableBytes memory;
  std::vector<MapHandle> handles;
  std::uint32_t epoch = 0;
  Window* next = nullptr;
};

GrantTable::Offer& GrantTable::Offer::operator=(Offer&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(pages_, other.pages_);
  return *this;
}
GrantTable::Offer::~Offer() {
  if (take_back()) return;
  pages_->next = std::exchange(owner_->left_, pages_);
}
MutableBytes GrantTable::Offer::memory() const {
  return pages_ == nullptr ? MutableBytes{} : pages_->memory;
}
std::span<const sig::GrantReference> GrantTable::Offer::references() const {
  if (pages_ == nullptr) return {};
  return pages_->references;
}
bool GrantTable::Offer::take_back() {
  if (pages_ != nullptr && !pages_->end(*owner_)) return false;
  delete std::exchange(pages_, nullptr);
  return true;
}

GrantTable::Mapping& GrantTable::Mapping::operator=(Mapping&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(window_, other.window_);
  return *this;
}
GrantTable::Mapping::~Mapping() {
  if (window_ == nullptr) return;
  window_->unmap(*owner_);
  window_->next = std::exchange(owner_->free_windows_, window_);
}
MutableBytes GrantTable::Mapping::memory() const {
  return window_ == nullptr ? MutableBytes{} : window_->memory;
}

async::Task<Result<GrantTable*>> GrantTable::connect(async::Context&) { co_return &grants(); }

void GrantTable::sweep() {
  for (Pages** link = &left_; *link != nullptr;) {
    Pages* const pages = *link;
    if (!pages->end(*this)) {
      link = &pages->next;
      continue;
    }
    *link = pages->next;
    delete pages;
  }
}

Result<GrantTable::Offer> GrantTable::offer(sig::DomainId to, std::size_t pages,
                                            sig::GrantAccess access) {
  check(pages != 0, "an offer of nothing");
  sweep();
  Offer offer;
  offer.owner_ = this;
  offer.pages_ = new Pages{new_pages(pages), {}, epoch_};
  for (std::size_t i = 0; i < pages; ++i) {
    const std::byte* const page = page_of(offer.pages_->memory, i);
    const auto reference = grant(to, frame_of(page), access == sig::GrantAccess::kRead);
    if (!reference) return fail(Error(DomainErrc::kExhausted));
    offer.pages_->references.push_back(*reference);
  }
  return offer;
}

GrantTable::Window* GrantTable::window_of(std::size_t pages, Error& why) {
  for (Window** link = &free_windows_; *link != nullptr; link = &(*link)->next) {
    Window* const window = *link;
    if (window->memory.size() != pages * sig::kGrantPage) continue;
    *link = window->next;
    return window;
  }
  if (window_pages_ + pages > kMaxMapped) {
    why = DomainErrc::kExhausted;
    return nullptr;
  }
  // Count the pages even if a call below fails: partly returned memory is no longer heap memory.
  window_pages_ += pages;
  auto* const window = new Window{new_pages(pages), {}};
  for (std::size_t i = 0; i < pages; ++i) {
    if (surrender_page(page_of(window->memory, i))) continue;
    why = DomainErrc::kRefused;
    delete window;
    return nullptr;
  }
  return window;
}

Result<GrantTable::Mapping> GrantTable::map(sig::DomainId from,
                                            std::span<const sig::GrantReference> references,
                                            sig::GrantAccess access) {
  if (references.empty()) return fail(Error(DomainErrc::kBadReference));
  Error why = DomainErrc::kRefused;
  Mapping mapping;
  mapping.owner_ = this;
  mapping.window_ = window_of(references.size(), why);
  if (mapping.window_ == nullptr) return fail(why);
  Window& window = *mapping.window_;
  window.epoch = epoch_;
  for (std::size_t i = 0; i < references.size(); ++i) {
    const Result<MapHandle> handle =
        map_page(page_of(window.memory, i), from, references[i], access == sig::GrantAccess::kRead);
    if (!handle) return fail(handle.error());
    window.handles.push_back(*handle);
  }
  return mapping;
}

}  // namespace fata::bus::xen
