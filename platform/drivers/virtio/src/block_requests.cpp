#include "fata/virtio/block_requests.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "block_abi.hpp"
#include "fata/base/panic.hpp"

namespace fata::virtio {

namespace {
constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr std::uint32_t kUnit = 512;  // the device's unit, whatever its sector size
constexpr std::uint32_t kMaxBytes = 1 << 20;
constexpr std::uint16_t kMaxSegments = 16;
constexpr std::uint32_t kMaxParallel = 32;
constexpr std::uint32_t kLargestSector = 65536;

template <class T>
T field(Bytes config, std::size_t at) {
  return load_le<T>(config.subspan(at));
}
#define FATA_FIELD(type, name) field<type>(config, offsetof(virtio_blk_config, name))
static_assert(offsetof(virtio_blk_config, discard_sector_alignment) + 4 <=
              BlockLimits::kConfigSize);
}  // namespace

std::uint64_t BlockLimits::wanted_features() {
  return bit(VIRTIO_BLK_F_SIZE_MAX) | bit(VIRTIO_BLK_F_SEG_MAX) | bit(VIRTIO_BLK_F_RO) |
         bit(VIRTIO_BLK_F_BLK_SIZE) | bit(VIRTIO_BLK_F_FLUSH) | bit(VIRTIO_BLK_F_TOPOLOGY) |
         bit(VIRTIO_BLK_F_DISCARD);
}

std::uint32_t BlockLimits::max_bytes() const {
  const std::uint64_t all = std::uint64_t{segment_bytes} * segments;
  const auto most = static_cast<std::uint32_t>(std::min<std::uint64_t>(all, kMaxBytes));
  return most - most % geometry.sector_size;
}

std::optional<BlockLimits> BlockLimits::parse(std::uint64_t features, Bytes config,
                                              std::uint16_t queue_size) {
  const auto has = [&](unsigned feature) { return (features & bit(feature)) != 0; };
  BlockLimits limits;
  sig::BlockGeometry& geometry = limits.geometry;
  if (has(VIRTIO_BLK_F_BLK_SIZE)) geometry.sector_size = FATA_FIELD(std::uint32_t, blk_size);
  if (!std::has_single_bit(geometry.sector_size) || geometry.sector_size < kUnit ||
      geometry.sector_size > kLargestSector)
    return std::nullopt;
  const std::uint32_t units = geometry.sector_size / kUnit;
  const std::uint64_t capacity = FATA_FIELD(std::uint64_t, capacity);
  geometry.sectors = capacity / units;  // drops a trailing partial sector
  if (geometry.sectors == 0 || capacity >= bit(63) / kUnit) return std::nullopt;
  geometry.writable = !has(VIRTIO_BLK_F_RO);

  limits.segment_bytes = kMaxBytes;
  if (has(VIRTIO_BLK_F_SIZE_MAX))
    limits.segment_bytes = std::min(limits.segment_bytes, FATA_FIELD(std::uint32_t, size_max));
  // A buffer is contiguous, so it needs several descriptors only if it is too long for one.
  if (limits.segment_bytes == 0) return std::nullopt;
  limits.segments = static_cast<std::uint16_t>(std::min<std::uint32_t>(
      (kMaxBytes + limits.segment_bytes - 1) / limits.segment_bytes, kMaxSegments));
  if (has(VIRTIO_BLK_F_SEG_MAX)) {
    const std::uint32_t most = FATA_FIELD(std::uint32_t, seg_max);
    if (most == 0) return std::nullopt;
    limits.segments = static_cast<std::uint16_t>(std::min<std::uint32_t>(limits.segments, most));
  }
  // Header and status need a descriptor each.
  if (queue_size < 3) return std::nullopt;
  limits.segments =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(limits.segments, queue_size - 2U));
  if (limits.max_bytes() == 0) return std::nullopt;
  geometry.parallel =
      std::clamp<std::uint32_t>(queue_size / (2U + limits.segments), 1, kMaxParallel);

  if (has(VIRTIO_BLK_F_TOPOLOGY)) {
    // The device reports two hints; their product must be bounded.
    const unsigned exponent =
        std::to_integer<unsigned>(config[offsetof(virtio_blk_config, physical_block_exp)]);
    if (exponent <= 12)
      geometry.optimal =
          std::max(geometry.optimal, std::min(geometry.sector_size << exponent, 1U << 20));
  }
  geometry.optimal = std::max(geometry.optimal, geometry.sector_size);
  limits.flush = has(VIRTIO_BLK_F_FLUSH);
  geometry.cached = limits.flush;
  if (has(VIRTIO_BLK_F_DISCARD) && geometry.writable)
    limits.discard_sectors = FATA_FIELD(std::uint32_t, max_discard_sectors) / units;
  geometry.discards = limits.discard_sectors != 0;
  return limits;
}

BlockRequests::BlockRequests(Queue& queue, MutableBytes memory, std::uint64_t address,
                             const BlockLimits& limits)
    : queue_(queue),
      memory_(memory),
      address_(address),
      limits_(limits),
      places_(limits.geometry.parallel),
      place_of_(queue.size()) {
  check(memory.size() >= bytes_needed(places_.size()) &&
            places_.size() * (std::size_t{2} + limits.segments) <= queue.size(),
        "bad memory for requests");
  for (std::size_t i = places_.size(); i != 0; --i)
    free_.push_back(static_cast<std::uint16_t>(i - 1));
  chain_.reserve(std::size_t{2} + limits.segments);
}

std::optional<std::uint16_t> BlockRequests::begin(Kind kind, std::uint64_t sector, Segment data,
                                                  std::uint64_t sectors) {
  check(!free_.empty() && data.length <= limits_.max_bytes(), "a request that does not fit");
  const std::uint16_t place = free_.back();
  const MutableBytes memory = of(place);
  const std::uint64_t at = address_ + place * kPlaceSize;
  const std::uint32_t units = limits_.geometry.sector_size / kUnit;
  std::ranges::fill(memory, std::byte{0});
  static constexpr std::array<std::uint32_t, 4> kTypes{VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT,
                                                       VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_DISCARD};
  const bool moves = kind == Kind::kRead || kind == Kind::kWrite;
  store_le(memory.subspan(kHeader), kTypes[static_cast<std::size_t>(kind)]);
  store_le(memory.subspan(kHeader + 8), moves ? sector * units : std::uint64_t{0});
  memory[kStatus] = std::byte{0xff};  // not a valid status
  chain_.clear();
  chain_.push_back({at + kHeader, sizeof(virtio_blk_outhdr), false});
  if (kind == Kind::kDiscard) {
    store_le(memory.subspan(kRange), sector * units);
    store_le(memory.subspan(kRange + 8), static_cast<std::uint32_t>(sectors * units));
    chain_.push_back({at + kRange, sizeof(virtio_blk_discard_write_zeroes), false});
  }
  for (std::uint32_t done = 0; moves && done < data.length;) {
    const std::uint32_t length = std::min(data.length - done, limits_.segment_bytes);
    chain_.push_back({data.address + done, length, kind == Kind::kRead});
    done += length;
  }
  chain_.push_back({at + kStatus, 1, true});
  const std::optional<std::uint16_t> head = queue_.add(chain_);
  if (!head) return std::nullopt;
  free_.pop_back();
  places_[place] = {kind, true, (kind == Kind::kRead ? data.length : 0) + 1};
  place_of_[*head] = place;
  return place;
}

std::optional<BlockRequests::Ended> BlockRequests::next() {
  const std::optional<Queue::Done> done = queue_.pop();
  if (!done) return std::nullopt;
  const std::uint16_t number = place_of_[done->head];
  Place& place = places_[number];
  check(place.under_way, "a request that ended twice");  // the queue returns each head once
  place.under_way = false;
  free_.push_back(number);
  // The status is read once: the device may change it at any time.
  const auto status =
      std::to_integer<std::uint32_t>(*static_cast<const volatile std::byte*>(&of(number)[kStatus]));
  // If the device wrote less than the buffer, the rest would expose old contents of the buffer.
  if (status == VIRTIO_BLK_S_OK && done->written >= place.written) return Ended{number, {}};
  if (place.kind == Kind::kFlush) return Ended{number, fail(sig::BlockErrc::kFlushFailed, status)};
  if (place.kind == Kind::kDiscard && status == VIRTIO_BLK_S_UNSUPP)
    return Ended{number, fail(sig::BlockErrc::kUnsupported, status)};
  return Ended{number, fail(sig::BlockErrc::kFailed, status)};
}

}  // namespace fata::virtio
