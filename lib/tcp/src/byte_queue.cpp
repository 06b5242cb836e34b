#include "fata/tcp/byte_queue.hpp"

#include <algorithm>

namespace fata::tcp {

namespace {
constexpr std::size_t kMaxWaste = 4;

}  // namespace

std::size_t ByteQueue::push(Slice& slice, Memory& memory, std::size_t reserve) {
  if (slice.empty()) return 0;
  const std::size_t size = slice.size();
  if (size * kMaxWaste < slice.footprint() || !memory.may_borrow(slice)) {
    const std::size_t taken = copy(slice.bytes(), memory, reserve);
    slice.trim_front(taken);
    return taken;
  }
  if (slice.home() != &memory) {
    if (!memory.take(0, slice.footprint() + reserve) || !pieces_.reserve(&memory)) return 0;
    memory.borrow(slice);
  } else if (!pieces_.reserve(&memory)) {
    return 0;
  }
  append(std::move(slice));
  return size;
}

bool ByteQueue::push_counted(Slice&& slice, Memory& memory) {
  if (!pieces_.reserve(&memory)) return false;
  append(std::move(slice));
  return true;
}

void ByteQueue::append(Slice slice) {
  const Seq begin = end_;
  end_ += static_cast<Seq>(slice.size());
  pieces_.push_back({std::move(slice), begin});
  open_is_last_ = false;
}

std::size_t ByteQueue::copy(Bytes bytes, Memory& memory, std::size_t reserve) {
  std::size_t taken = 0;
  while (!bytes.empty()) {
    if (open_used_ == open_.size()) {
      const std::size_t wanted =
          bytes.size() + size() > Memory::kSmall ? Memory::kLarge : Memory::kSmall;
      PacketBuf fresh = memory.allocate(wanted, reserve);
      if (!fresh && wanted == Memory::kLarge) fresh = memory.allocate(Memory::kSmall, reserve);
      if (!fresh) break;
      (void)fresh.append(fresh.tailroom());
      open_ = Slice(std::move(fresh));
      open_used_ = 0;
      open_is_last_ = false;
    }
    const std::size_t extends = open_is_last_ && !pieces_.empty() ? pieces_.back().data.size() : 0;
    if (extends == 0 && !pieces_.reserve(&memory)) break;
    const std::size_t count = copy_bytes(danger_unseen(open_, open_used_), bytes);
    Slice longer = open_.part(open_used_ - extends, extends + count);
    open_used_ += static_cast<std::uint32_t>(count);
    if (extends != 0) {
      pieces_.back().data = std::move(longer);
      end_ += static_cast<Seq>(count);
    } else {
      append(std::move(longer));
      open_is_last_ = true;
    }
    bytes = bytes.subspan(count);
    taken += count;
  }
  close_if_empty();
  return taken;
}

void ByteQueue::close_if_empty() {
  if (!pieces_.empty()) return;
  open_ = {};
  open_used_ = 0;
  open_is_last_ = false;
}

Slice ByteQueue::pop(Memory& memory) {
  if (pieces_.empty()) return {};
  Slice slice = std::move(pieces_.front().data);
  memory.end_borrow(slice);
  begin_ += static_cast<Seq>(slice.size());
  pieces_.pop_front(&memory);
  close_if_empty();
  return slice;
}

void ByteQueue::drop_before(Seq to, Memory& memory) {
  while (!pieces_.empty() && after(to, begin_)) {
    Piece& first = pieces_.front();
    if (before(to, first.end())) {
      first.data.trim_front(to - first.begin);
      first.begin = begin_ = to;
      return;
    }
    begin_ = first.end();
    memory.end_borrow(first.data);
    pieces_.pop_front(&memory);
  }
  close_if_empty();
}

std::uint32_t ByteQueue::find(Seq at) const {
  // First transmissions lie near the end and retransmissions near the front: binary search suits
  // both.
  std::uint32_t low = 0;
  std::uint32_t high = pieces_.size();
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    (after(pieces_[middle].begin, at) ? high : low) = middle;
  }
  return low;
}

void ByteQueue::read(Seq from, MutableBytes out) const {
  for (std::uint32_t i = find(from); !out.empty(); ++i) {
    const Piece& piece = pieces_[i];
    const std::size_t count = copy_bytes(out, piece.data.bytes().subspan(from - piece.begin));
    out = out.subspan(count);
    from += static_cast<Seq>(count);
  }
}

std::size_t ByteQueue::collect(Seq from, std::size_t count, BufferChain& out) const {
  std::size_t collected = 0;
  for (std::uint32_t i = find(from); collected < count && i < pieces_.size() && !out.full(); ++i) {
    const Piece& piece = pieces_[i];
    const std::size_t skip = from - piece.begin;
    const std::size_t part = std::min(piece.data.size() - skip, count - collected);
    out.push(piece.data.part(skip, part));
    collected += part;
    from += static_cast<Seq>(part);
  }
  return collected;
}

}  // namespace fata::tcp
