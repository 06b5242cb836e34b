// The requests of a paravirtual disk (xen/io/blkif.h) as an engine: a ring, pages of its own for
// what is read and written, and their grants. It knows no xenstore, no event channels and no loop;
// the backend is distrusted throughout.
//
// A caller's buffer is never granted: a grant is of a whole page, whose other bytes are not the
// disk's business, and a backend that keeps it would keep the buffer. So everything is copied once,
// through pages that stay granted while connected; a page that the backend keeps afterwards is put
// aside, and nobody else ever had it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "fata/base/aligned.hpp"
#include "fata/sig/block.hpp"
#include "fata/xen/grants.hpp"
#include "fata/xen/ring.hpp"

namespace fata::xen {

// xen/io/blkif.h
struct BlockSegment {
  std::uint32_t grant;
  std::uint8_t first, last;  // sectors of 512 bytes in the page
};
struct BlockRequest {
  static constexpr std::size_t kMostSegments = 11;
  std::uint8_t operation, segments;
  std::uint16_t handle;
  std::uint64_t id, sector;
  std::array<BlockSegment, kMostSegments> segment;
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

// What the backend says of the disk, as its nodes in xenstore have it; 0 where there is no such
// node.
struct BlockOffer {
  std::uint64_t sectors = 0;  // of 512 bytes, whatever sector_size is
  std::uint64_t sector_size = 0, physical_sector_size = 0, info = 0;
  std::uint64_t flush_cache = 0, barrier = 0;
  std::uint64_t discard = 0, discard_granularity = 0, discard_alignment = 0;
  std::uint64_t indirect_segments = 0;
};

// The same, checked.
struct BlockLimits {
  enum class Flush : std::uint8_t { kNone, kCache, kBarrier };

  sig::BlockGeometry geometry;  // without `parallel`
  Flush flush = Flush::kNone;   // without one each write is taken to be stable when it ends
  std::uint32_t segments = BlockRequest::kMostSegments;  // of one request at most
  // In sectors: what is discarded, if anything.
  std::uint64_t extent = 1, extent_offset = 0;

  // Nothing: it makes no sense (a sector size that is none or beyond a page, no sector at all).
  static std::optional<BlockLimits> parse(const BlockOffer& offer);

  // The whole extents within a range, as its first sector and how many; perhaps none.
  std::pair<std::uint64_t, std::uint64_t> extents(std::uint64_t sector, std::uint64_t count) const;
};

class BlockQueue {
 public:
  enum class Kind : std::uint8_t { kRead, kWrite, kFlush, kDiscard };
  static constexpr std::size_t kPageSize = 4096;

  struct Sizes {
    std::uint16_t places = 16;  // requests under way at most, up to the ring's 32
    std::uint16_t pages = 128;  // for what is read and written, at least as many as places
    // Pages of one request; beyond BlockRequest's each place takes a page more.
    std::uint16_t segments = 64;
  };

  // All of it outlives this. `frame_of` gives the number of the page that memory lies in.
  using FrameOf = std::uint64_t (*)(const volatile void*);
  BlockQueue(GrantTable& grants, FrameOf frame_of, const Sizes& sizes);
  ~BlockQueue() { disconnect(false); }
  BlockQueue(const BlockQueue&) = delete;
  BlockQueue& operator=(const BlockQueue&) = delete;

  // Grants the ring and all pages to the backend, for reading and writing. False if the table of
  // grants is full, or backends still keep kMostKept times as many pages as these.
  bool connect(Domain backend, std::uint16_t handle);
  GrantRef ring() const { return *shared_[kRing].grant; }
  // Requests may begin.
  void start(const BlockLimits& limits);
  // Takes everything back; what was under way never ends. What the backend still uses is put aside,
  // and used again only after a later connect() has found its grant ended. With `forget` the grants
  // are gone already (another table after a restore).
  void disconnect(bool forget);
  bool connected() const { return connected_; }
  bool started() const { return started_; }
  // The backend broke the protocol; disconnect() is all that is left: no request ends any more.
  bool broken() const { return broken_ || ring_->broken(); }

  struct Request {
    Kind kind = Kind::kRead;
    std::uint64_t sector = 0;   // of the disk's size
    std::uint64_t sectors = 0;  // of a read, write or discard
    MutableBytes in = {};       // of a read: written when it has ended well
    Bytes out = {};             // of a write: read before begin() returns
  };
  struct Begun {
    std::uint16_t place;
    std::uint64_t sectors;  // from the first one: as many as fit
  };
  // Queues a request, or the first part of it. It must be started(), with less than places() under
  // way.
  Begun begin(const Request& request);
  // Nobody waits for it any more: what it reads goes nowhere.
  void abandon(std::uint16_t place) { places_[place].in = {}; }

  struct Ended {
    std::uint16_t place;
    // kFailed with the backend's status without its sign, kUnsupported, kFlushFailed.
    Result<void> outcome;
  };
  // The next request that the backend has finished with. Each ends at most once.
  std::optional<Ended> next();

  // Shows the requests; true if the backend wants to be notified.
  bool publish() { return ring_->publish(); }
  bool has_ended() { return ring_->pending(); }
  // Asks to be notified; false if something is there already.
  bool ask() { return ring_->ask(); }

  std::size_t places() const { return places_.size(); }
  std::size_t under_way() const { return places_.size() - free_places_.size(); }
  bool is_under_way(std::uint16_t place) const { return places_[place].under_way; }
  // Of one request, when nothing else is under way.
  std::size_t most_bytes() const { return pages_for_one() * kPageSize; }
  // Pages that backends have not let go of.
  std::size_t kept() const { return kept_.size(); }

 private:
  using Ring = FrontRing<BlockRequest, BlockResponse>;
  static constexpr std::size_t kRing = 0, kMostKept = 4;
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
  std::vector<Shared> shared_;  // the ring, the pages, and one for the segments of each place
  std::vector<Shared> kept_;
  std::optional<Ring> ring_;
  std::vector<Place> places_;
  std::vector<std::uint16_t> free_places_, free_pages_;
};

}  // namespace fata::xen
