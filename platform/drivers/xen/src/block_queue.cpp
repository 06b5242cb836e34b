#include "fata/xen/block_queue.hpp"

#include <algorithm>
#include <bit>

#include "abi.hpp"
#include "fata/base/panic.hpp"

namespace fata::xen {
namespace {

static_assert(sizeof(BlockSegment) == sizeof(blkif_request_segment));
static_assert(sizeof(BlockRequest) == sizeof(blkif_request_t) &&
              sizeof(BlockResponse) == sizeof(blkif_response_t));
static_assert(sizeof(BlockDiscard) == sizeof(blkif_request_discard_t) &&
              sizeof(BlockIndirect) == sizeof(blkif_request_indirect_t));
static_assert(offsetof(BlockRequest, segment) == offsetof(blkif_request_t, seg) &&
              offsetof(BlockIndirect, grants) ==
                  offsetof(blkif_request_indirect_t, indirect_grefs));
static_assert(BlockRequest::kMaxSegments == BLKIF_MAX_SEGMENTS_PER_REQUEST);

constexpr std::uint32_t kUnit = 512;  // the unit of requests, whatever the disk's sector size
constexpr std::uint32_t kLargestOptimal = 1 << 20;
constexpr std::size_t kPage = BlockQueue::kPageSize;
constexpr std::size_t kSegmentsOfAPage = kPage / sizeof(BlockSegment);

}  // namespace

std::optional<BlockLimits> BlockLimits::parse(const BlockOffer& offer) {
  const std::uint64_t size = offer.sector_size == 0 ? kUnit : offer.sector_size;
  // Only whole sectors are transferred, and a request is guaranteed only one page, so a sector must
  // fit in a page.
  if (!std::has_single_bit(size) || size < kUnit || size > kPage) return std::nullopt;
  if (offer.sectors >= (std::uint64_t{1} << 63) / kUnit) return std::nullopt;
  BlockLimits limits;
  sig::BlockGeometry& geometry = limits.geometry;
  geometry.sector_size = static_cast<std::uint32_t>(size);
  geometry.sectors = offer.sectors / (size / kUnit);  // drops a trailing partial sector
  if (geometry.sectors == 0) return std::nullopt;
  geometry.writable = (offer.info & VDISK_READONLY) == 0;
  if (std::has_single_bit(offer.physical_sector_size) &&
      offer.physical_sector_size <= kLargestOptimal)
    geometry.optimal =
        std::max(geometry.optimal, static_cast<std::uint32_t>(offer.physical_sector_size));
  if (offer.flush_cache != 0) {
    limits.flush = Flush::kCache;
  } else if (offer.barrier != 0) {
    limits.flush = Flush::kBarrier;
  }
  geometry.cached = limits.flush != Flush::kNone;
  geometry.discards = offer.discard != 0 && geometry.writable;
  if (offer.discard_granularity % size == 0 && offer.discard_alignment % size == 0)
    limits.extent = std::max<std::uint64_t>(offer.discard_granularity / size, 1);
  limits.extent_offset = offer.discard_alignment / size % limits.extent;
  limits.segments = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
      offer.indirect_segments, BlockRequest::kMaxSegments, kSegmentsOfAPage));
  return limits;
}

std::pair<std::uint64_t, std::uint64_t> BlockLimits::extents(std::uint64_t sector,
                                                             std::uint64_t count) const {
  // Extents are counted from extent_offset; sectors before it belong to no extent.
  const std::uint64_t end = sector + count;
  const std::uint64_t from = std::max(sector, extent_offset);
  if (from >= end) return {sector, 0};
  const std::uint64_t missing = (extent - (from - extent_offset) % extent) % extent;
  if (missing >= end - from) return {sector, 0};
  const std::uint64_t whole = end - from - missing;
  return {from + missing, whole - whole % extent};
}

BlockQueue::BlockQueue(GrantTable& grants, FrameOf frame_of, const Sizes& sizes)
    : grants_(&grants), frame_of_(frame_of), sizes_(sizes) {
  check(sizes.places != 0 && sizes.places <= Ring::kSize && sizes.pages >= sizes.places &&
            sizes.segments <= kSegmentsOfAPage,
        "bad sizes of a disk's queue");
  const bool indirect = sizes.segments > BlockRequest::kMaxSegments;
  shared_.resize(std::size_t{1} + sizes.pages + (indirect ? sizes.places : 0));
  places_.resize(sizes.places);
  for (Place& place : places_) place.pages.reserve(sizes.segments);
  free_places_.reserve(sizes.places);
  free_pages_.reserve(sizes.pages);
  restart();
}

void BlockQueue::restart() {
  ring_.emplace(shared_[kRing].memory.bytes().data());
  free_places_.clear();
  free_pages_.clear();
  for (std::size_t i = sizes_.places; i != 0; --i)
    free_places_.push_back(static_cast<std::uint16_t>(i - 1));
  for (std::size_t i = sizes_.pages; i != 0; --i)
    free_pages_.push_back(static_cast<std::uint16_t>(kRing + i));
  for (Place& place : places_) {
    place.under_way = false;
    place.in = {};
    place.pages.clear();
  }
  broken_ = false;
}

bool BlockQueue::connect(Domain backend, std::uint16_t handle) {
  std::erase_if(kept_, [&](const Shared& page) { return grants_->end(*page.grant); });
  if (kept_.size() >= kMaxKept * shared_.size()) return false;
  restart();
  handle_ = handle;
  connected_ = true;
  for (Shared& page : shared_) {
    page.grant = grants_->grant(backend, frame_of_(page.memory.bytes().data()), false);
    if (page.grant) continue;
    disconnect(false);
    return false;
  }
  return true;
}

void BlockQueue::start(const BlockLimits& limits) {
  check(connected_, "a disk's queue is started unconnected");
  limits_ = limits;
  limits_.segments = std::min<std::uint32_t>(limits.segments, sizes_.segments);
  started_ = true;
}

void BlockQueue::disconnect(bool forget) {
  if (forget) kept_.clear();
  if (!std::exchange(connected_, false)) return;
  started_ = false;
  for (Shared& page : shared_) {
    if (page.grant && !forget && !grants_->end(*page.grant))
      kept_.push_back(std::exchange(page, Shared{}));
    page.grant.reset();
  }
  restart();
}

// Each free slot is guaranteed one page. The next request gets its own page plus half of the spare
// pages, but at most limits_.segments.
std::size_t BlockQueue::pages_for_one() const {
  const std::size_t spare = free_pages_.size() - free_places_.size();
  return std::min<std::size_t>(limits_.segments, 1 + spare / 2);
}

void BlockQueue::take_pages(Place& place, std::size_t bytes) {
  place.bytes = bytes;
  for (std::size_t done = 0; done < bytes; done += kPage) {
    place.pages.push_back(free_pages_.back());
    free_pages_.pop_back();
  }
}

BlockSegment BlockQueue::segment(const Place& place, std::size_t number) const {
  const std::size_t bytes = std::min(kPage, place.bytes - number * kPage);
  return {*shared_[place.pages[number]].grant, 0, static_cast<std::uint8_t>(bytes / kUnit - 1)};
}

void BlockQueue::push_move(std::uint16_t number, std::uint64_t unit) {
  const Place& place = places_[number];
  const std::uint8_t operation = place.kind == Kind::kRead ? BLKIF_OP_READ : BLKIF_OP_WRITE;
  const std::size_t count = place.pages.size();
  if (count <= BlockRequest::kMaxSegments) {
    BlockRequest request{};
    request.operation = operation;
    request.segments = static_cast<std::uint8_t>(count);
    request.handle = handle_;
    request.id = place.id;
    request.sector = unit;
    for (std::size_t i = 0; i < count; ++i) request.segment[i] = segment(place, i);
    ring_->push(request);
    return;
  }
  Shared& list = shared_[std::size_t{1} + sizes_.pages + number];
  for (std::size_t i = 0; i < count; ++i) {
    const BlockSegment one = segment(place, i);
    std::memcpy(list.memory.bytes().subspan(i * sizeof one).data(), &one, sizeof one);
  }
  BlockIndirect request{};
  request.operation = BLKIF_OP_INDIRECT;
  request.indirect_operation = operation;
  request.segments = static_cast<std::uint16_t>(count);
  request.id = place.id;
  request.sector = unit;
  request.handle = handle_;
  request.grants[0] = *list.grant;
  ring_->push(request);
}

void BlockQueue::copy_in(const Place& place, Bytes out) {
  for (const std::uint16_t page : place.pages) {
    const std::size_t count =
        copy_bytes(shared_[page].memory.bytes(), out.first(std::min(kPage, out.size())));
    out = out.subspan(count);
  }
}
void BlockQueue::copy_out(const Place& place) {
  MutableBytes in = place.in;
  for (const std::uint16_t page : place.pages) {
    const std::size_t count = std::min(kPage, in.size());
    copy_bytes(in, shared_[page].memory.bytes().first(count));
    in = in.subspan(count);
  }
}

BlockQueue::Begun BlockQueue::begin(const Request& request) {
  check(started_ && !free_places_.empty(), "a disk's request without a place");
  const std::uint16_t number = free_places_.back();
  const std::uint64_t size = limits_.geometry.sector_size, unit = request.sector * (size / kUnit);
  Place& place = places_[number];
  place.kind = request.kind;
  place.under_way = true;
  place.id = ++serial_ << kPlaceBits | number;
  place.bytes = 0;
  std::uint64_t sectors = request.sectors;
  if (request.kind == Kind::kRead || request.kind == Kind::kWrite) {
    sectors = std::min<std::uint64_t>(sectors, pages_for_one() * kPage / size);
    const auto bytes = static_cast<std::size_t>(sectors * size);
    take_pages(place, bytes);
    if (request.kind == Kind::kRead) {
      place.in = request.in.first(bytes);
    } else {
      copy_in(place, request.out.first(bytes));
    }
    push_move(number, unit);
  } else if (request.kind == Kind::kDiscard) {
    ring_->push(
        BlockDiscard{BLKIF_OP_DISCARD, 0, handle_, place.id, unit, sectors * (size / kUnit)});
  } else {
    BlockRequest flush{};
    flush.operation = limits_.flush == BlockLimits::Flush::kBarrier ? BLKIF_OP_WRITE_BARRIER
                                                                    : BLKIF_OP_FLUSH_DISKCACHE;
    flush.handle = handle_;
    flush.id = place.id;
    ring_->push(flush);
  }
  free_places_.pop_back();
  return {number, sectors};
}

Result<void> BlockQueue::outcome(const Place& place, std::int16_t status) const {
  if (status == BLKIF_RSP_OKAY) return {};
  const auto detail = static_cast<std::uint32_t>(status < 0 ? -int{status} : int{status});
  if (place.kind == Kind::kFlush) return fail(sig::BlockErrc::kFlushFailed, detail);
  if (place.kind == Kind::kDiscard && status == BLKIF_RSP_EOPNOTSUPP)
    return fail(sig::BlockErrc::kUnsupported, detail);
  return fail(sig::BlockErrc::kFailed, detail);
}

std::optional<BlockQueue::Ended> BlockQueue::next() {
  BlockResponse response;
  if (broken_ || !ring_->pop(response)) return std::nullopt;
  const auto number = static_cast<std::size_t>(response.id & ((1U << kPlaceBits) - 1));
  if (number >= places_.size() || !places_[number].under_way || places_[number].id != response.id) {
    broken_ = true;
    return std::nullopt;
  }
  Place& place = places_[number];
  Ended ended{static_cast<std::uint16_t>(number), outcome(place, response.status)};
  if (ended.outcome && !place.in.empty()) copy_out(place);
  place.under_way = false;
  place.in = {};
  free_pages_.insert(free_pages_.end(), place.pages.begin(), place.pages.end());
  place.pages.clear();
  free_places_.push_back(ended.place);
  return ended;
}

}  // namespace fata::xen
