// Grants: pages that another domain may read or write, identified by number. The table has version
// 1 (xen/grant_table.h), whose 32-bit frame numbers reach 16 TiB.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "fata/bus/xen.hpp"
#include "fata/bus/xen/errors.hpp"

namespace fata::bus::xen {

using GrantRef = std::uint32_t;

// The table as an engine over memory that the other domain and the hypervisor may write at any
// time.
class GrantTable {
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

  Grow grow_;
  std::array<Entry*, kMaxFrames> frames_{};
  std::size_t frame_count_ = 0;
  std::size_t used_ = 0;
  std::uint32_t epoch_ = 0;
  std::vector<GrantRef> free_;
};

// The domain's own table.
GrantTable& grants() noexcept;

}  // namespace fata::bus::xen
