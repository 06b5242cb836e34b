// ReorderQueue: data received out of order, and its SACK reports (RFC 2018, RFC 2883).
//
// Its bound is in bytes of memory, not of data: small segments in large buffers are copied
// together. All of it may be dropped at any time (RFC 2018 section 8); the peer sends it again.
#pragma once

#include <span>

#include "fata/base/list.hpp"
#include "fata/tcp/byte_queue.hpp"
#include "fata/tcp/segment.hpp"

namespace fata::tcp {

// Nonempty queues are linked in a list, so that the largest can be dropped when memory is needed
// (see Table::make_room).
class ReorderQueue : public ListNode<ReorderQueue> {
 public:
  // Separate ranges; data that needs a further one is not kept.
  static constexpr std::uint32_t kMaxBlocks = 64;
  static constexpr std::uint32_t kMaxPieces = 4096;  // in all ranges together

  ReorderQueue() = default;
  ReorderQueue(const ReorderQueue&) = delete;
  ReorderQueue& operator=(const ReorderQueue&) = delete;

  bool empty() const { return pieces_.empty(); }
  std::uint32_t bytes() const { return bytes_; }
  // Bytes of memory in use.
  std::size_t held() const {
    return held_ + pieces_.heap_bytes() + blocks_.heap_bytes() + own_.heap_bytes();
  }
  // The memory limit for a window: the window, a quarter of it, and kSlack for partly filled
  // buffers and lists.
  static constexpr std::size_t kSlack = 4 * Memory::kSmall;
  static std::size_t max_for(std::uint32_t window) { return window + window / 4 + kSlack; }

  struct Outcome {
    std::uint32_t kept = 0;  // newly stored bytes
    // The first range that was present already (empty: none): a D-SACK.
    SeqRange duplicate;
  };
  // Stores the bytes of `data`, which starts at `begin` after RCV.NXT, that are not present yet.
  // Stops before the queue holds more than `most` bytes of memory or less than `reserve` bytes of
  // the budget remain.
  Outcome insert(Seq begin, Slice data, Memory& memory, std::size_t most, std::size_t reserve);
  // The first stored range before `end`; empty if there is none. It is a D-SACK if all data before
  // `end` has arrived by other segments.
  SeqRange first_below(Seq end) const;
  // Moves data that is now in order to `queue`, whose end is RCV.NXT; true if there was any. Drops
  // everything if memory runs out.
  bool deliver(ByteQueue& queue, Memory& memory);
  void clear(Memory& memory);

  // Writes the blocks to report, the most recently changed first (RFC 2018 section 4); returns
  // their number.
  std::uint8_t blocks(std::span<SeqRange> out) const;

  // Index of the list that it is in.
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

  Ring<Piece, 0> pieces_;  // ascending, without overlaps
  Ring<Block, 0> blocks_;  // ascending, without contact
  Ring<Slice, 0> own_;     // whole buffers of copied data; the last one is open for more
  std::uint32_t bytes_ = 0;
  std::uint32_t held_ = 0;       // in borrowed and own buffers
  std::uint32_t open_used_ = 0;  // bytes used of the last own buffer
  Seq copied_to_ = 0;            // the end of the last copied data, if copied_
  bool copied_ = false;
  std::uint32_t changes_ = 0;
};

}  // namespace fata::tcp
