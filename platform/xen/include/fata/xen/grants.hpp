// Grants: pages of ours that another domain may read or write, by number. Version 1 of the table
// (xen/grant_table.h): its frame numbers of 32 bits reach 16 TiB.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "fata/xen/errors.hpp"
#include "fata/xen/events.hpp"

namespace fata::xen {

using GrantRef = std::uint32_t;

// The table as an engine over memory that the other domain and the hypervisor may write at any
// moment.
class GrantTable {
 public:
  static constexpr std::size_t kPerFrame = 512;
  static constexpr std::size_t kMostFrames = 64;

  // Gives the next frame of the table, mapped, or null at its end.
  using Grow = void* (*)(std::size_t index);
  explicit constexpr GrantTable(Grow grow) : grow_(grow) {}

  // Lets `to` use the page of that number; nothing if the table is full.
  std::optional<GrantRef> grant(Domain to, std::uint64_t frame, bool read_only);
  // Takes it back. False if it is in use right now: then nothing has changed, and the page must not
  // be used for anything else.
  bool end(GrantRef ref);

  std::size_t in_use() const { return used_; }
  // After the machine was stopped: the frames are asked for again, and nothing is granted any more.
  void resume();
  // Changes then: a grant of another epoch is over, and its number may be somebody else's.
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
  std::array<Entry*, kMostFrames> frames_{};
  std::size_t frame_count_ = 0;
  std::size_t used_ = 0;
  std::uint32_t epoch_ = 0;
  std::vector<GrantRef> free_;
};

// The domain's own.
GrantTable& grants() noexcept;

// The number of the page that `memory` (heap or statics) lies in.
std::uint64_t frame_of(const volatile void* memory) noexcept;

}  // namespace fata::xen
