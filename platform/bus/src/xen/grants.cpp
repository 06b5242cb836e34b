#include "fata/bus/xen/grants.hpp"

#include "abi.hpp"
#include "fata/base/panic.hpp"

namespace fata::bus::xen {

bool GrantTable::add_frame() {
  if (frame_count_ == kMaxFrames) return false;
  auto* const frame = static_cast<Entry*>(grow_(frame_count_));
  if (frame == nullptr) return false;
  frames_[frame_count_] = frame;
  const auto first = static_cast<GrantRef>(frame_count_ * kPerFrame);
  ++frame_count_;
  free_.reserve(frame_count_ * kPerFrame);
  for (std::size_t i = kPerFrame; i-- != 0;) {
    const GrantRef ref = first + static_cast<GrantRef>(i);
    if (ref >= GNTTAB_NR_RESERVED_ENTRIES) free_.push_back(ref);
  }
  return true;
}

std::optional<GrantRef> GrantTable::grant(Domain to, std::uint64_t frame, bool read_only) {
  static_assert(sizeof(Entry) == sizeof(grant_entry_v1_t));
  if (frame > 0xffffffff || (free_.empty() && !add_frame())) return std::nullopt;
  const GrantRef ref = free_.back();
  free_.pop_back();
  Entry& entry = at(ref);
  entry.domain = to;
  entry.frame = static_cast<std::uint32_t>(frame);
  const std::uint16_t flags = GTF_permit_access | (read_only ? GTF_readonly : 0);
  __atomic_store_n(&entry.flags, flags, __ATOMIC_RELEASE);
  ++used_;
  return ref;
}

namespace {
constexpr unsigned kMaxTries = 64;
}

bool GrantTable::end(GrantRef ref) {
  check(ref / kPerFrame < frame_count_, "a grant that never was is ended");
  Entry& entry = at(ref);
  std::uint16_t flags = __atomic_load_n(&entry.flags, __ATOMIC_RELAXED);
  // Try a few times. A grant whose flags keep changing is in use.
  for (unsigned tries = 0;; ++tries) {
    if ((flags & (GTF_reading | GTF_writing)) != 0 || tries == kMaxTries) return false;
    if (__atomic_compare_exchange_n(&entry.flags, &flags, std::uint16_t{0}, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED))
      break;
  }
  free_.push_back(ref);
  --used_;
  return true;
}

void GrantTable::resume() {
  const std::size_t frames = frame_count_;
  frame_count_ = used_ = 0;
  ++epoch_;
  free_.clear();
  while (frame_count_ < frames && add_frame()) {
  }
}

}  // namespace fata::bus::xen
