// ReorderQueue: what arrived out of order, and what SACK says of it (RFC 2018, RFC 2883).
#pragma once

#include <span>

#include "fata/net/tcp/byte_queue.hpp"
#include "fata/net/tcp/header.hpp"

namespace fata::net::tcp {

class ReorderQueue {
 public:
  static constexpr std::uint32_t kMostBlocks = 64;    // separate stretches; a further one is not kept
  static constexpr std::uint32_t kMostPieces = 4096;  // in all of them

  ReorderQueue() = default;
  ReorderQueue(const ReorderQueue&) = delete;
  ReorderQueue& operator=(const ReorderQueue&) = delete;

  bool empty() const { return pieces_.empty(); }
  std::uint32_t bytes() const { return bytes_; }

  struct Outcome {
    std::uint32_t kept = 0;  // bytes that were new and are here now
    SeqRange duplicate;      // the first stretch that was here already (empty: none): a D-SACK
  };
  // Takes the bytes of `data` that are not here yet, which start at `begin`, after what is next.
  Outcome insert(Seq begin, Slice data, Memory& memory, std::size_t reserve);
  // The first stretch that is here and lies before `end`; empty if there is none: a D-SACK, if all
  // before `end` has arrived otherwise.
  SeqRange first_below(Seq end) const;
  // Moves what now is in order to `queue`, whose end is what is next; true if there was any.
  bool deliver(ByteQueue& queue, Memory& memory);
  // Drops the last stretch to make room (RFC 2018 section 8 allows it); gives how many bytes.
  std::uint32_t drop_last(Memory& memory);
  void clear(Memory& memory);

  // The blocks to report, the one that changed last first (RFC 2018 section 4); gives how many.
  std::uint8_t blocks(std::span<SeqRange> out) const;

 private:
  struct Block {
    SeqRange range;
    std::uint32_t changed = 0;
  };
  void keep(std::uint32_t at, Seq begin, Slice data, Memory& memory);
  void note(SeqRange range);
  bool may_note(SeqRange range) const;

  Ring<Piece, 0> pieces_;  // ascending, not overlapping
  Ring<Block, 0> blocks_;  // ascending, not touching
  std::uint32_t bytes_ = 0;
  std::uint32_t changes_ = 0;
};

}  // namespace fata::net::tcp
