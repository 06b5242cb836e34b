// The requests of virtio-blk (virtio 1.2, section 5.2.6) on a virtqueue. Pure, like the queue: it
// works on memory passed to it and trusts nothing that the device writes, so it is tested and
// fuzzed on Linux.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fata/sig/block.hpp"
#include "fata/virtio/queue.hpp"

namespace fata::virtio {

// The device's configuration (5.2.4), checked.
struct BlockLimits {
  sig::BlockGeometry geometry;
  bool flush = false;               // if false, a write is stable when it ends
  std::uint32_t segment_bytes = 0;  // of one descriptor, at most
  std::uint16_t segments = 1;       // of one request, at most
  // The maximum of one request, in units of geometry.sector_size; 0: discard is not supported.
  std::uint32_t discard_sectors = 0;

  // The maximum size of one request in bytes: a whole number of sectors.
  std::uint32_t max_bytes() const;

  // The features that the driver supports.
  static std::uint64_t wanted_features();
  // `config`: the first kConfigSize bytes of the device's configuration. Returns nothing if the
  // configuration is invalid (a bad sector size, no sectors, or a limit below a sector).
  static constexpr std::size_t kConfigSize = 60;
  static std::optional<BlockLimits> parse(std::uint64_t features, Bytes config,
                                          std::uint16_t queue_size);
};

class BlockRequests {
 public:
  enum class Kind : std::uint8_t { kRead, kWrite, kFlush, kDiscard };

  // `memory`: bytes_needed(limits.geometry.parallel), shared with the device; `address`: its
  // address as the device sees it. The queue must have room for the requests of all slots.
  BlockRequests(Queue& queue, MutableBytes memory, std::uint64_t address,
                const BlockLimits& limits);
  static constexpr std::size_t bytes_needed(std::size_t places) { return places * kPlaceSize; }

  // Queues a request in a free slot and returns the slot. A slot must be free. Returns nothing if
  // the queue is broken. `data`: the device's address of the buffer of a read or write, at most
  // max_bytes() long; its direction is ignored. `sectors`: the number of sectors of a discard.
  std::optional<std::uint16_t> begin(Kind kind, std::uint64_t sector, Segment data,
                                     std::uint64_t sectors = 0);

  struct Ended {
    std::uint16_t place;
    Result<void> outcome;  // kFailed with the device's status, kUnsupported, kFlushFailed
  };
  // The next request that the device has finished. Each request ends once, or never if the queue
  // breaks.
  std::optional<Ended> next();

  std::size_t under_way() const { return places_.size() - free_.size(); }

 private:
  // The parts of a slot: the header, the range to discard and the status.
  static constexpr std::size_t kPlaceSize = 64, kHeader = 0, kRange = 16, kStatus = 32;
  struct Place {
    Kind kind = Kind::kRead;
    bool under_way = false;
    std::uint32_t written = 0;  // bytes that the device must report for a success
  };
  MutableBytes of(std::uint16_t place) const {
    return memory_.subspan(place * kPlaceSize, kPlaceSize);
  }

  Queue& queue_;
  MutableBytes memory_;
  std::uint64_t address_;
  BlockLimits limits_;
  std::vector<Place> places_;
  std::vector<std::uint16_t> free_;
  std::vector<std::uint16_t> place_of_;  // by head
  std::vector<Segment> chain_;           // scratch space of begin()
};

}  // namespace fata::virtio
