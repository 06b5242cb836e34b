// The requests of a paravirtual disk (xen/io/blkif.h) as an engine: a ring, data pages, and their
// grants. It uses no xenstore, no event channels and no loop, and trusts nothing from the backend.
//
// A caller's buffer is never granted: a grant covers a whole page, whose other bytes do not belong
// to the disk, and a backend that keeps the grant would keep the buffer. All data is therefore
// copied once, through pages that stay granted while the queue is connected. A page that the
// backend keeps afterwards is set aside; it never held anything else.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "fata/base/aligned.hpp"
#include "fata/bus/xen/grants.hpp"
#include "fata/sig/block.hpp"
#include "fata/xen/ring.hpp"

namespace fata::xen {

using namespace bus::xen;

// xen/io/blkif.h
struct BlockSegment {
  std::uint32_t grant;
  std::uint8_t first, last;  // sectors of 512 bytes within the page
};
struct BlockRequest {
  static constexpr std::size_t kMaxSegments = 11;
  std::uint8_t operation, segments;
  std::uint16_t handle;
  std::uint64_t id, sector;
  std::array<BlockSegment, kMaxSegments> segment;
};
struct BlockDiscard {
  std::uint8_t operation, flags;
  std::uint16_t handle;
  std::uint64_t id, sector, sectors;
};
struct BlockIndirect {
  std::uint8_t operation, indirect_operation;
  std::uint16_t segments;
  std::uint64_t id, sector;
  std::uint16_t handle;
  std::array<std::uint32_t, 8> grants;  // of pages with the segments
};
struct BlockResponse {
  std::uint64_t id;
  std::uint8_t operation;
  std::int16_t status;
};

// The backend's description of the disk, from its nodes in xenstore; 0 for a missing node.
struct BlockOffer {
  std::uint64_t sectors = 0;  // of 512 bytes, whatever sector_size is
  std::uint64_t sector_size = 0, physical_sector_size = 0, info = 0;
  std::uint64_t flush_cache = 0, barrier = 0;
  std::uint64_t discard = 0, discard_granularity = 0, discard_alignment = 0;
  std::uint64_t indirect_segments = 0;
};

// The checked description of the disk.
struct BlockLimits {
  enum class Flush : std::uint8_t { kNone, kCache, kBarrier };

  sig::BlockGeometry geometry;  // without `parallel`
  Flush flush = Flush::kNone;   // with kNone, each write is taken to be stable when it ends
  std::uint32_t segments = BlockRequest::kMaxSegments;  // of one request, at most
  // The unit of discards and its offset, in sectors.
  std::uint64_t extent = 1, extent_offset = 0;

  // Returns nothing if the description is invalid (a sector size that is bad or exceeds a page, or
  // no sectors).
  static std::optional<BlockLimits> parse(const BlockOffer& offer);

  // The whole extents within a range, as first sector and count; the count may be 0.
  std::pair<std::uint64_t, std::uint64_t> extents(std::uint64_t sector, std::uint64_t count) const;
};

class BlockQueue {
 public:
  enum class Kind : std::uint8_t { kRead, kWrite, kFlush, kDiscard };
  static constexpr std::size_t kPageSize = 4096;

  struct Sizes {
    std::uint16_t places = 16;  // maximum requests in flight, at most the ring's 32
    std::uint16_t pages = 128;  // data pages, at least as many as places
    // Pages of one request. If these are more than BlockRequest::kMaxSegments, each slot needs an
    // additional page.
    std::uint16_t segments = 64;
  };

  // All arguments must outlive this object. `frame_of` returns the number of the page that contains
  // `memory`.
  using FrameOf = std::uint64_t (*)(const volatile void*);
  BlockQueue(GrantTable& grants, FrameOf frame_of, const Sizes& sizes);
  ~BlockQueue() { disconnect(false); }
  BlockQueue(const BlockQueue&) = delete;
  BlockQueue& operator=(const BlockQueue&) = delete;

  // Grants the ring and all pages to the backend, for reading and writing. False if the grant table
  // is full, or backends still keep kMaxKept times as many pages as these.
  bool connect(Domain backend, std::uint16_t handle);
  GrantRef ring() const { return *shared_[kRing].grant; }
  // From here on, requests may begin.
  void start(const BlockLimits& limits);
  // Ends all grants; requests in flight never end. Pages that the backend still uses are set aside
  // until a later connect() can end their grants. `forget` means that the grants are already gone,
  // because the domain has another table after a restore.
  void disconnect(bool forget);
  bool connected() const { return connected_; }
  bool started() const { return started_; }
  // The backend broke the protocol. Only disconnect() may follow: no further request ends.
  bool broken() const { return broken_ || ring_->broken(); }

  struct Request {
    Kind kind = Kind::kRead;
    std::uint64_t sector = 0;   // in sectors of the disk
    std::uint64_t sectors = 0;  // of a read, write or discard
    MutableBytes in = {};       // of a read: written when the read succeeds
    Bytes out = {};             // of a write: read before begin() returns
  };
  struct Begun {
    std::uint16_t place;
    std::uint64_t sectors;  // the number of sectors that fit, from the first one on
  };
  // Queues a request, or the first part of it. Requires started(), and fewer than places() requests
  // in flight.
  Begun begin(const Request& request);
  // Detaches the request from its caller: read data is discarded.
  void abandon(std::uint16_t place) { places_[place].in = {}; }

  struct Ended {
    std::uint16_t place;
    // kFailed with the absolute value of the backend's status, kUnsupported or kFlushFailed.
    Result<void> outcome;
  };
  // The next request that the backend has finished. Each request ends at most once.
  std::optional<Ended> next();

  // Makes requests visible; true if the backend must be notified.
  bool publish() { return ring_->publish(); }
  bool has_ended() { return ring_->pending(); }
  // Requests a notification; false if a response is already there.
  bool ask() { return ring_->ask(); }

  std::size_t places() const { return places_.size(); }
  std::size_t under_way() const { return places_.size() - free_places_.size(); }
  bool is_under_way(std::uint16_t place) const { return places_[place].under_way; }
  // The maximum size of the next request in bytes; largest while no request is in flight.
  std::size_t max_bytes() const { return pages_for_one() * kPageSize; }
  // Pages that backends still use.
  std::size_t kept() const { return kept_.size(); }

 private:
  using Ring = FrontRing<BlockRequest, BlockResponse>;
  static constexpr std::size_t kRing = 0, kMaxKept = 4;
  static constexpr std::size_t kPlaceBits = 8;

  // A page that the backend may use.
  struct Shared {
    AlignedBuffer memory{kPageSize, kPageSize};
    std::optional<GrantRef> grant;
  };
  struct Place {
    Kind kind = Kind::kRead;
    bool under_way = false;
    std::uint64_t id = 0;
    MutableBytes in;
    std::size_t bytes = 0;
    std::vector<std::uint16_t> pages;  // of shared_
  };

  std::size_t pages_for_one() const;
  void take_pages(Place& place, std::size_t bytes);
  BlockSegment segment(const Place& place, std::size_t number) const;
  void push_move(std::uint16_t number, std::uint64_t unit);
  void copy_in(const Place& place, Bytes out);
  void copy_out(const Place& place);
  Result<void> outcome(const Place& place, std::int16_t status) const;
  void restart();

  GrantTable* grants_;
  FrameOf frame_of_;
  Sizes sizes_;
  BlockLimits limits_;
  std::uint16_t handle_ = 0;
  bool connected_ = false, started_ = false, broken_ = false;
  std::uint64_t serial_ = 0;
  std::vector<Shared> shared_;  // the ring, the pages, and one for the segments of each slot
  std::vector<Shared> kept_;
  std::optional<Ring> ring_;
  std::vector<Place> places_;
  std::vector<std::uint16_t> free_places_, free_pages_;
};

}  // namespace fata::xen
