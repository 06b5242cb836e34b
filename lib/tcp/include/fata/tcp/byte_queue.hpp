// ByteQueue: a range of a byte stream, kept in the slices in which it arrived. A connection has one
// for data to be sent or acknowledged, and one for received data.
//
// Small slices of large buffers are copied together into the TCP's own buffers, the last of which
// stays open for more. An empty queue holds no memory.
#pragma once

#include "fata/base/packet.hpp"
#include "fata/tcp/memory.hpp"
#include "fata/tcp/ring.hpp"
#include "fata/tcp/segment.hpp"

namespace fata::tcp {

struct Piece {
  Slice data;
  Seq begin = 0;
  Seq end() const { return begin + static_cast<Seq>(data.size()); }
};

// The memory of a buffer's slice from `used` on, which has not been exposed yet.
inline MutableBytes danger_unseen(const Slice& whole, std::size_t used) {
  const Bytes bytes = whole.bytes();
  return danger_span(const_cast<std::byte*>(bytes.data()), bytes.size()).subspan(used);
}

class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  // Sets the sequence number of the first byte; only while empty.
  void start(Seq at) { begin_ = end_ = at; }
  Seq begin() const { return begin_; }
  Seq end() const { return end_; }
  std::uint32_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  // Appends a slice. It is copied if it would pin more than four times its length or exceed the
  // borrowing limit. Returns the number of bytes taken, which is all of them unless memory runs
  // out; the slice keeps the rest. `reserve`: bytes of memory to leave for others.
  std::size_t push(Slice& slice, Memory& memory, std::size_t reserve = 0);
  // Appends a slice that is already counted as borrowed. False, with the slice unchanged, if memory
  // runs out.
  [[nodiscard]] bool push_counted(Slice&& slice, Memory& memory);
  std::size_t copy(Bytes bytes, Memory& memory, std::size_t reserve = 0);

  // Removes and returns the first piece; empty if there is none.
  Slice pop(Memory& memory);
  // Drops all bytes before `to`.
  void drop_before(Seq to, Memory& memory);
  void clear(Memory& memory) { drop_before(end_, memory); }

  // Copies out.size() bytes from `from` on; all must lie in the queue.
  void read(Seq from, MutableBytes out) const;
  // Shares up to `count` bytes from `from` on, limited by the room for pieces in `out`; returns the
  // number of bytes.
  std::size_t collect(Seq from, std::size_t count, BufferChain& out) const;

 private:
  std::uint32_t find(Seq at) const;
  void append(Slice slice);
  void close_if_empty();

  Ring<Piece, 2> pieces_;
  Slice open_;  // the whole buffer that copies go to
  std::uint32_t open_used_ = 0;
  bool open_is_last_ = false;  // the last piece ends at open_used_
  Seq begin_ = 0;
  Seq end_ = 0;
};

}  // namespace fata::tcp
