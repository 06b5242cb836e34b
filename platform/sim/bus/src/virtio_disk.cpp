#include "fata/sim/bus/virtio_disk.hpp"

#include <algorithm>
#include <cstring>

#include "fata/base/bytes.hpp"
#include "fata/base/panic.hpp"

namespace fata::sim {
namespace {

using Segment = VirtqueueDevice::Segment;

constexpr std::uint32_t kIn = 0, kOut = 1, kFlushRequest = 4, kDiscardRequest = 11;
constexpr std::uint32_t kSegment = 65536;  // the longest
constexpr std::uint8_t kOk = 0, kIoError = 1, kUnsupported = 2;

std::vector<std::byte> configuration(std::size_t sectors) {
  std::vector<std::byte> config(60);
  const MutableBytes bytes(config);
  store_le(bytes, std::uint64_t{sectors});
  store_le(bytes.subspan(8), kSegment);             // size_max
  store_le(bytes.subspan(12), std::uint32_t{126});  // seg_max
  store_le(bytes.subspan(20), std::uint32_t{512});  // blk_size
  store_le(bytes.subspan(36), std::uint32_t{64});   // max_discard_sectors
  store_le(bytes.subspan(40), std::uint32_t{1});    // max_discard_seg
  store_le(bytes.subspan(44), std::uint32_t{1});    // discard_sector_alignment
  return config;
}

std::size_t length_of(std::span<const Segment> segments) {
  std::size_t length = 0;
  for (const Segment& segment : segments) length += segment.length;
  return length;
}

}  // namespace

VirtioDisk::VirtioDisk(Machine& machine, bool on_pci, std::uint64_t features, std::size_t sectors,
                       unsigned seed)
    : VirtioDevice(machine, {.kind = bus::DeviceKind::kDisk,
                             .on_pci = on_pci,
                             .features = features | kVersion1,
                             .config = configuration(sectors),
                             .queues = {128},
                             .seed = seed}),
      data(sectors * kUnit) {}

bool VirtioDisk::work(std::uint16_t queue) {
  for (unsigned count = random_() % 8; count != 0; --count) {
    auto chain = take(queue);
    if (!chain) break;
    taken_.push_back({std::move(*chain), number_++});
  }
  for (unsigned count = random_() % 4; count != 0 && !taken_.empty(); --count) {
    const auto next = taken_.begin() + static_cast<std::ptrdiff_t>(random_() % taken_.size());
    if (next != taken_.begin()) ++reordered;
    const Chain chain = std::move(next->chain);
    taken_.erase(next);
    perform(chain);
  }
  return !taken_.empty() || is_awake(queue);
}

void VirtioDisk::perform(const Chain& chain) {
  const auto& all = chain.segments;
  check(all.size() >= 2 && all.front().length == 16 && !all.front().device_writes &&
            all.back().length == 1 && all.back().device_writes,
        "a request's header and status");
  const Bytes header = all.front().memory();
  const auto segments = std::span(all).subspan(1, all.size() - 2);
  const auto type = load_le<std::uint32_t>(header);
  ++performed;
  const bool fails = fails_every != 0 && performed % fails_every == 0;
  const std::uint8_t status =
      fails ? kIoError : run(type, load_le<std::uint64_t>(header.subspan(8)), segments);
  all.back().memory()[0] = static_cast<std::byte>(status);
  const std::size_t read = type == kIn && status == kOk ? length_of(segments) : 0;
  finish(0, chain.head, static_cast<std::uint32_t>(read + 1));
}

std::uint8_t VirtioDisk::run(std::uint32_t type, std::uint64_t sector,
                             std::span<const Segment> segments) {
  switch (type) {
    case kIn:
      return move(true, sector, segments) ? kOk : kIoError;
    case kOut:
      check(!accepted(kReadOnly), "a write to a disk that is read-only");
      return move(false, sector, segments) ? kOk : kIoError;
    case kFlushRequest:
      check(accepted(kFlush) && sector == 0 && segments.empty(), "a flush");
      ++flushes;
      return kOk;
    case kDiscardRequest:
      check(accepted(kDiscard), "a discard that was not negotiated");
      return discard(segments) ? kOk : kIoError;
    default:
      return kUnsupported;
  }
}

bool VirtioDisk::move(bool reads, std::uint64_t sector, std::span<const Segment> segments) {
  const std::size_t length = length_of(segments);
  check(length != 0 && length % kUnit == 0, "a part of a sector");
  check(sector * kUnit + length <= data.size(), "beyond the disk");
  std::byte* at = data.data() + sector * kUnit;
  for (const Segment& segment : segments) {
    check(segment.device_writes == reads && segment.length != 0 &&
              (!accepted(kSizeMax) || segment.length <= kSegment),
          "a segment of a request");
    std::memcpy(reads ? segment.memory().data() : at, reads ? at : segment.memory().data(),
                segment.length);
    at += segment.length;
  }
  return true;
}

bool VirtioDisk::discard(std::span<const Segment> segments) {
  check(segments.size() == 1 && segments[0].length == 16 && !segments[0].device_writes,
        "a discard has one range");
  const Bytes range = segments[0].memory();
  const auto sector = load_le<std::uint64_t>(range);
  const auto count = load_le<std::uint32_t>(range.subspan(8));
  check(count != 0 && count <= 64 && load_le<std::uint32_t>(range.subspan(12)) == 0, "a range");
  check((sector + count) * kUnit <= data.size(), "beyond the disk");
  std::ranges::fill(std::span(data).subspan(sector * kUnit, count * kUnit), std::byte{0});
  return true;
}

}  // namespace fata::sim
