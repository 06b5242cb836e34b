// ReorderQueue: what arrived out of order, and what SACK says of it (RFC 2018, RFC 2883).
//
// What it holds is bounded in bytes of memory, not of data: many small segments in large buffers
// are copied together. All of it may be dropped at any time (RFC 2018 section 8): the peer sends it
// again.
#pragma once

#include <span>

#include "fata/async/list.hpp"
#include "fata/net/tcp/byte_queue.hpp"
#include "fata/net/tcp/header.hpp"

namespace fata::net::tcp {

// In a list of all that are not empty: whoever needs memory may take the largest (see
// Table::make_room).
class ReorderQueue : public async::ListNode<ReorderQueue> {
 public:
  // Separate stretches; a further one is not kept.
  static constexpr std::uint32_t kMostBlocks = 64;
  static constexpr std::uint32_t kMostPieces = 4096;  // in all of them

  ReorderQueue() = default;
  ReorderQueue(const ReorderQueue&) = delete;
  ReorderQueue& operator=(const ReorderQueue&) = delete;

  bool empty() const { return pieces_.empty(); }
  std::uint32_t bytes() const { return bytes_; }
  // Bytes of memory that it keeps from others.
  std::size_t held() const {
    return held_ + pieces_.heap_bytes() + blocks_.heap_bytes() + own_.heap_bytes();
  }
  // What it may hold for a window: all of that, and a quarter and some for buffers that are not
  // full and for lists.
  static constexpr std::size_t kSlack = 4 * Memory::kSmall;
  static std::size_t most_for(std::uint32_t window) { return window + window / 4 + kSlack; }

  struct Outcome {
    std::uint32_t kept = 0;  // bytes that were new and are here now
    SeqRange duplicate;      // the first stretch that was here already (empty: none): a D-SACK
  };
  // Takes the bytes of `data` that are not here yet, which start at `begin`, after what is next; as
  // long as it holds no more than `most`, and leaves `reserve` of the memory to others.
  Outcome insert(Seq begin, Slice data, Memory& memory, std::size_t most, std::size_t reserve);
  // The first stretch that is here and lies before `end`; empty if there is none: a D-SACK, if all
  // before `end` has arrived otherwise.
  SeqRange first_below(Seq end) const;
  // Moves what now is in order to `queue`, whose end is what is next; true if there was any. Drops
  // all if there is no memory for that.
  bool deliver(ByteQueue& queue, Memory& memory);
  void clear(Memory& memory);

  // The blocks to report, the one that changed last first (RFC 2018 section 4); gives how many.
  std::uint8_t blocks(std::span<SeqRange> out) const;

  // Of the list it is in.
  std::uint8_t level = 0;

 private:
  struct Block {
    SeqRange range;
    std::uint32_t changed = 0;
  };
  struct Limits {
    Memory& memory;
    std::size_t most;
    std::size_t reserve;
  };
  std::uint32_t keep(std::uint32_t& i, Seq begin, Slice data, const Limits& limits);
  bool lend(std::uint32_t& i, Seq begin, Slice& data, const Limits& limits);
  bool room_for_piece(const Limits& limits);
  bool open_buffer(const Limits& limits);
  void take_back_unused(Memory& memory);
  void forget_first(Memory& memory);
  void note(SeqRange range);
  bool may_note(SeqRange range) const;

  Ring<Piece, 0> pieces_;  // ascending, not overlapping
  Ring<Block, 0> blocks_;  // ascending, not touching
  Ring<Slice, 0> own_;     // buffers of copies, whole; the last one is open for more
  std::uint32_t bytes_ = 0;
  std::uint32_t held_ = 0;       // in lent buffers and own ones
  std::uint32_t open_used_ = 0;  // of the last own buffer
  Seq copied_to_ = 0;            // the byte behind the last one copied, if copied_
  bool copied_ = false;
  std::uint32_t changes_ = 0;
};

}  // namespace fata::net::tcp
