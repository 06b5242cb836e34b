// A model of the hypervisor's grants: the frames of a table, page numbers, and looking up and
// holding granted pages, written from xen/grant_table.h alone.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include "fata/base/danger.hpp"
#include "fata/base/panic.hpp"
#include "fata/bus/xen/grants.hpp"
#include "fata/sim/bus/xen_abi.hpp"

namespace fata::sim {

// Only one instance may exist at a time, because the functions passed to bus::xen::GrantTable and
// NetQueue have no state.
class XenHost {
 public:
  static constexpr std::size_t kPage = 4096;

  explicit XenHost(std::size_t max_frames = bus::xen::GrantTable::kMaxFrames)
      : max_frames_(max_frames) {
    check(current_ == nullptr, "two hosts at once");
    current_ = this;
  }
  ~XenHost() { current_ = nullptr; }
  XenHost(const XenHost&) = delete;
  XenHost& operator=(const XenHost&) = delete;

  static void* grow(std::size_t index) {
    if (index >= current_->max_frames_) return nullptr;
    auto& frames = current_->frames_;
    while (frames.size() <= index) frames.push_back(std::make_unique<Frame>());
    return frames[index]->entries;
  }
  static std::uint64_t frame_of(const volatile void* memory) {
    const auto page = reinterpret_cast<std::uintptr_t>(memory) / kPage;
    const auto [place, fresh] = current_->numbers_.try_emplace(page, current_->pages_.size());
    if (fresh) current_->pages_.push_back(page * kPage);
    return place->second;
  }

  // Moves to another host, where nothing is granted.
  void move_on() {
    for (const auto& frame : frames_) std::memset(frame->entries, 0, sizeof frame->entries);
  }

  std::size_t table_frames() const { return frames_.size(); }
  const grant_entry_v1_t& entry(bus::xen::GrantRef ref) const {
    return frames_.at(ref / 512)->entries[ref % 512];
  }

  // The page behind a grant, as the hypervisor's copy would find it; null if `who` may not access
  // it.
  std::byte* page(bus::xen::GrantRef ref, bus::xen::Domain who, bool write) const {
    if (ref / 512 >= frames_.size()) return nullptr;
    const grant_entry_v1_t& one = entry(ref);
    if ((one.flags & GTF_type_mask) != GTF_permit_access || one.domid != who) return nullptr;
    if (write && (one.flags & GTF_readonly) != 0) return nullptr;
    return one.frame < pages_.size() ? reinterpret_cast<std::byte*>(pages_[one.frame]) : nullptr;
  }
  // While the page is held (mapped), its owner cannot end the grant. Null as above.
  std::byte* hold(bus::xen::GrantRef ref, bus::xen::Domain who, bool write) {
    std::byte* const memory = page(ref, who, write);
    if (memory != nullptr) flags(ref) |= write ? GTF_reading | GTF_writing : GTF_reading;
    return memory;
  }
  void release(bus::xen::GrantRef ref) {
    flags(ref) &= static_cast<std::uint16_t>(~(GTF_reading | GTF_writing));
  }
  void release_all() {
    for (const auto& frame : frames_) {
      for (grant_entry_v1_t& one : frame->entries)
        one.flags &= static_cast<std::uint16_t>(~(GTF_reading | GTF_writing));
    }
  }
  bool held(bus::xen::GrantRef ref) const {
    return (entry(ref).flags & (GTF_reading | GTF_writing)) != 0;
  }

 private:
  struct Frame {
    alignas(kPage) grant_entry_v1_t entries[512]{};
  };
  std::uint16_t& flags(bus::xen::GrantRef ref) {
    return frames_.at(ref / 512)->entries[ref % 512].flags;
  }

  static inline XenHost* current_ = nullptr;
  std::size_t max_frames_;
  std::vector<std::unique_ptr<Frame>> frames_;
  std::unordered_map<std::uintptr_t, std::size_t> numbers_;
  std::vector<std::uintptr_t> pages_;
};

}  // namespace fata::sim
