// The requests of virtio-blk (virtio 1.2, section 5.2.6) on a virtqueue. Pure, like the queue: it
// works on memory that it is given and trusts nothing that the device writes, so that it is tested
// and fuzzed on Linux.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fata/sig/block.hpp"
#include "fata/virtio/queue.hpp"

namespace fata::virtio {

// What the device says of itself (5.2.4), checked.
struct BlockLimits {
  sig::BlockGeometry geometry;
  bool flush = false;                 // without it each write is stable when it ends
  std::uint32_t segment_bytes = 0;    // of one descriptor at most
  std::uint16_t segments = 1;         // of one request at most
  std::uint32_t discard_sectors = 0;  // of geometry's size, in one request; 0: there is no discard

  // Bytes of one request at most: a whole number of sectors.
  std::uint32_t most_bytes() const;

  // The features that the driver understands.
  static std::uint64_t wanted_features();
  // `config`: the first kConfigSize bytes of the device's configuration. Nothing: it makes no sense
  // (a sector size that is none, no sector at all, a limit below a sector).
  static constexpr std::size_t kConfigSize = 60;
  static std::optional<BlockLimits> parse(std::uint64_t features, Bytes config,
                                          std::uint16_t queue_size);
};

class BlockRequests {
 public:
  enum class Kind : std::uint8_t { kRead, kWrite, kFlush, kDiscard };

  // `memory`: bytes_needed(limits.geometry.parallel), shared with the device; `address`: the one by
  // which it reaches that. The queue has room for the requests of all places.
  BlockRequests(Queue& queue, MutableBytes memory, std::uint64_t address,
                const BlockLimits& limits);
  static constexpr std::size_t bytes_needed(std::size_t places) { return places * kPlaceSize; }

  // Queues a request in a free place (there is one, unless the queue is broken: then nothing).
  // `data`: where the device reaches the buffer of a read or a write, at most most_bytes(); its
  // direction is not looked at. `sectors`: of a discard.
  std::optional<std::uint16_t> begin(Kind kind, std::uint64_t sector, Segment data,
                                     std::uint64_t sectors = 0);

  struct Ended {
    std::uint16_t place;
    Result<void> outcome;  // kFailed with the device's status, kUnsupported, kFlushFailed
  };
  // The next request that the device has finished with. Each that was begun ends once, or never if
  // the queue breaks.
  std::optional<Ended> next();

  std::size_t under_way() const { return places_.size() - free_.size(); }

 private:
  // Of a place: the header, the range to discard, the status.
  static constexpr std::size_t kPlaceSize = 64, kHeader = 0, kRange = 16, kStatus = 32;
  struct Place {
    Kind kind = Kind::kRead;
    bool under_way = false;
    std::uint32_t written = 0;  // what the device must have written for a success
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
  std::vector<Segment> chain_;           // made in begin()
};

}  // namespace fata::virtio
