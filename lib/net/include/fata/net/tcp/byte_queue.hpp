// ByteQueue: a stretch of a byte stream, kept as the slices that it came in. What waits to be sent
// or acknowledged is one, what waits to be read another.
//
// Small slices of large buffers are copied together into buffers of the TCP's own, the last of
// which stays open for more. An empty queue holds no memory.
#pragma once

#include "fata/base/packet.hpp"
#include "fata/net/tcp/memory.hpp"
#include "fata/net/tcp/ring.hpp"
#include "fata/net/tcp/sequence.hpp"

namespace fata::net::tcp {

struct Piece {
  Slice data;
  Seq begin = 0;
  Seq end() const { return begin + static_cast<Seq>(data.size()); }
};

// Memory of a buffer's slice, from `used` on, that nobody has been shown yet.
inline MutableBytes danger_unseen(const Slice& whole, std::size_t used) {
  const Bytes bytes = whole.bytes();
  return danger_span(const_cast<std::byte*>(bytes.data()), bytes.size()).subspan(used);
}

class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  // The sequence number of the first byte; only while empty.
  void start(Seq at) { begin_ = end_ = at; }
  Seq begin() const { return begin_; }
  Seq end() const { return end_; }
  std::uint32_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  // Adds at the end; a slice that would keep over four times its length from its home, or more than
  // may be borrowed, is copied. Gives how much it took: all of it, unless the memory is spent. The
  // slice keeps the rest. `reserve`: of the memory, to be left for others.
  std::size_t push(Slice& slice, Memory& memory, std::size_t reserve = 0);
  // What was already counted as borrowed elsewhere. False, and the slice is still the caller's, if
  // the memory is spent.
  [[nodiscard]] bool push_counted(Slice&& slice, Memory& memory);
  std::size_t copy(Bytes bytes, Memory& memory, std::size_t reserve = 0);

  // Takes the first piece out; empty if there is none.
  Slice pop(Memory& memory);
  // Forgets all before `to`.
  void drop_before(Seq to, Memory& memory);
  void clear(Memory& memory) { drop_before(end_, memory); }

  // Copies what starts at `from`, which lies in the queue, as must all of it.
  void read(Seq from, MutableBytes out) const;
  // Shares up to `count` bytes from `from` on, as far as there is room for pieces; gives how many.
  std::size_t collect(Seq from, std::size_t count, Fragments& out) const;

 private:
  std::uint32_t find(Seq at) const;
  void append(Slice slice);
  void close_if_empty();

  Ring<Piece, 2> pieces_;
  Slice open_;  // the whole of the buffer that copies go to
  std::uint32_t open_used_ = 0;
  bool open_is_last_ = false;  // the last piece ends at open_used_
  Seq begin_ = 0;
  Seq end_ = 0;
};

}  // namespace fata::net::tcp
