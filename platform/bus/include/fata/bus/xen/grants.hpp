// Grants: pages that another domain may read or write, identified by number. The table has version
// 1 (xen/grant_table.h), whose 32-bit frame numbers reach 16 TiB.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fata/bus/xen.hpp"
#include "fata/bus/xen/errors.hpp"
#include "fata/sig/grant_table.hpp"

namespace fata::async {
struct Context;
template <class T>
class Task;
}  // namespace fata::async

namespace fata::bus::xen {

// The table as an engine over memory that the other domain and the hypervisor may write at any
// time. Devices grant their own pages one by one; applications offer and map pages (it models
// sig::GrantTable). A suspension ends all offers and mappings: a mapping's memory must not be
// touched after it.
class GrantTable {
  struct Pages;
  struct Window;

 public:
  static constexpr std::size_t kPerFrame = 512;
  static constexpr std::size_t kMaxFrames = 64;

  // Returns the next frame of the table, mapped, or null at its end.
  using Grow = void* (*)(std::size_t index);
  explicit constexpr GrantTable(Grow grow) : grow_(grow) {}

  // Lets `to` use the page with that frame number; returns nothing if the table is full.
  std::optional<GrantRef> grant(Domain to, std::uint64_t frame, bool read_only);
  // Ends a grant. Returns false if the page is in use; the grant is then unchanged, and the page
  // must not be used for anything else.
  bool end(GrantRef ref);

  static constexpr std::size_t kMaxMapped = 256;  // pages of other domains at once

  class Offer {
   public:
    Offer() = default;
    Offer(Offer&& other) noexcept { *this = std::move(other); }
    Offer& operator=(Offer&& other) noexcept;
    ~Offer();
    MutableBytes memory() const;
    std::span<const sig::GrantReference> references() const;
    bool take_back();

   private:
    friend class GrantTable;
    GrantTable* owner_ = nullptr;
    Pages* pages_ = nullptr;
  };
  class Mapping {
   public:
    Mapping() = default;
    Mapping(Mapping&& other) noexcept { *this = std::move(other); }
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();
    MutableBytes memory() const;

   private:
    friend class GrantTable;
    GrantTable* owner_ = nullptr;
    Window* window_ = nullptr;
  };

  // The table of this domain.
  static async::Task<Result<GrantTable*>> connect(async::Context& context);
  Result<Offer> offer(sig::DomainId to, std::size_t pages, sig::GrantAccess access);
  Result<Mapping> map(sig::DomainId from, std::span<const sig::GrantReference> references,
                      sig::GrantAccess access);

  std::size_t in_use() const { return used_; }
  // Called after a suspension, when no grant exists any more. Requests the frames again.
  void resume();
  // Changes with each resume(): a grant of another epoch is over, and its number may be in use
  // again.
  std::uint32_t epoch() const { return epoch_; }

 private:
  struct Entry {
    std::uint16_t flags;
    std::uint16_t domain;
    std::uint32_t frame;
  };
  Entry& at(GrantRef ref) { return frames_[ref / kPerFrame][ref % kPerFrame]; }
  bool add_frame();
  void sweep();
  Window* window_of(std::size_t pages, Error& why);

  Grow grow_;
  std::array<Entry*, kMaxFrames> frames_{};
  std::size_t frame_count_ = 0;
  std::size_t used_ = 0;
  std::uint32_t epoch_ = 0;
  std::vector<GrantRef> free_;
  // Offers that were destroyed while another domain used a page.
  Pages* left_ = nullptr;
  // Addresses without memory, for later mappings, and the number of pages of all windows.
  Window* free_windows_ = nullptr;
  std::size_t window_pages_ = 0;
};
static_assert(sig::GrantTable<GrantTable>);

// The domain's own table.
GrantTable& grants() noexcept;

}  // namespace fata::bus::xen
