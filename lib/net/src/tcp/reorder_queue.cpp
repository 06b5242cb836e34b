#include "fata/net/tcp/reorder_queue.hpp"

#include <algorithm>

namespace fata::net::tcp {

bool ReorderQueue::may_note(SeqRange range) const {
  if (blocks_.size() < kMostBlocks) return true;
  for (std::uint32_t i = 0; i < blocks_.size(); ++i) {
    if (at_or_before(range.begin, blocks_[i].range.end) && at_or_before(blocks_[i].range.begin, range.end))
      return true;
  }
  return false;
}

void ReorderQueue::note(SeqRange range) {
  std::uint32_t i = blocks_.size();
  while (i != 0 && at_or_before(range.begin, blocks_[i - 1].range.end)) --i;
  std::uint32_t end = i;
  while (end < blocks_.size() && at_or_before(blocks_[end].range.begin, range.end)) {
    range.begin = earlier(range.begin, blocks_[end].range.begin);
    range.end = later(range.end, blocks_[end].range.end);
    ++end;
  }
  if (end == i) {
    blocks_.insert(i, {range, ++changes_});
  } else {
    blocks_[i] = {range, ++changes_};
    blocks_.erase(i + 1, end - i - 1);
  }
}

ReorderQueue::Outcome ReorderQueue::insert(Seq begin, Slice data, Memory& memory, std::size_t reserve) {
  Outcome outcome;
  const SeqRange whole{begin, begin + static_cast<Seq>(data.size())};
  if (!may_note(whole) || pieces_.size() >= kMostPieces) return outcome;
  std::uint32_t i = pieces_.size();
  while (i != 0 && before(begin, pieces_[i - 1].end())) --i;  // the first piece that ends after `begin`
  while (!data.empty()) {
    const Seq end = begin + static_cast<Seq>(data.size());
    const Seq gap_end = i < pieces_.size() ? earlier(pieces_[i].begin, end) : end;
    if (before(begin, gap_end)) {
      const std::uint32_t count = gap_end - begin;
      if (!memory.take(0, (memory.may_borrow(data) ? data.pinned() : count) + reserve)) break;
      Slice part = data.part(0, count);
      if (part.size() * 4 < part.pinned() || !memory.may_borrow(part)) {
        // A small piece does not keep a device's buffer.
        PacketBuf copy = memory.allocate(
            count <= Memory::kSmall - sizeof(Buffer) ? Memory::kSmall : Memory::kLarge, reserve);
        if (!copy || copy.tailroom() < count) break;
        copy_bytes(copy.append(count), part.bytes());
        part = Slice(std::move(copy));
      }
      memory.borrow(part);
      pieces_.insert(i, {std::move(part), begin});
      bytes_ += count;
      outcome.kept += count;
      ++i;
      data.trim_front(count);
      begin = gap_end;
      continue;
    }
    // It overlaps piece i.
    const Seq overlap_end = earlier(pieces_[i].end(), end);
    if (outcome.duplicate.size() == 0)
      outcome.duplicate = {begin, overlap_end};
    else if (outcome.duplicate.end == begin)
      outcome.duplicate.end = overlap_end;
    data.trim_front(overlap_end - begin);
    begin = overlap_end;
    ++i;
  }
  if (begin != whole.begin) note({whole.begin, begin});
  return outcome;
}

SeqRange ReorderQueue::first_below(Seq end) const {
  if (blocks_.empty()) return {};
  const SeqRange first = blocks_.front().range;
  return before(first.begin, end) ? SeqRange{first.begin, earlier(first.end, end)} : SeqRange{};
}

bool ReorderQueue::deliver(ByteQueue& queue, Memory& memory) {
  bool any = false;
  while (!pieces_.empty() && at_or_before(pieces_.front().begin, queue.end())) {
    Piece& first = pieces_.front();
    const std::uint32_t size = static_cast<std::uint32_t>(first.data.size());
    const std::uint32_t known = queue.end() - first.begin;
    if (known < size) {
      first.data.trim_front(known);
      queue.push_counted(std::move(first.data));
      any = true;
    } else {
      memory.give_back(first.data);
    }
    bytes_ -= size;
    pieces_.pop_front();
  }
  while (!blocks_.empty() && at_or_before(blocks_.front().range.begin, queue.end())) blocks_.pop_front();
  return any;
}

std::uint32_t ReorderQueue::drop_last(Memory& memory) {
  if (blocks_.empty()) return 0;
  const std::uint32_t before_it = bytes_;
  const Seq from = blocks_.back().range.begin;
  while (!pieces_.empty() && at_or_after(pieces_.back().begin, from)) {
    bytes_ -= static_cast<std::uint32_t>(pieces_.back().data.size());
    memory.give_back(pieces_.back().data);
    pieces_.pop_back();
  }
  blocks_.pop_back();
  return before_it - bytes_;
}

void ReorderQueue::clear(Memory& memory) {
  while (drop_last(memory) != 0) {
  }
}

std::uint8_t ReorderQueue::blocks(std::span<SeqRange> out) const {
  std::uint8_t count = 0;
  std::uint32_t newest = changes_ + 1;
  while (count < out.size() && count < blocks_.size()) {
    const Block* next = nullptr;
    for (std::uint32_t i = 0; i < blocks_.size(); ++i) {
      const Block& block = blocks_[i];
      if (before(block.changed, newest) && (next == nullptr || after(block.changed, next->changed)))
        next = &block;
    }
    if (next == nullptr) break;
    newest = next->changed;
    out[count++] = next->range;
  }
  return count;
}

}  // namespace fata::net::tcp
