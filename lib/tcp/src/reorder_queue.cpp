#include "fata/tcp/reorder_queue.hpp"

#include <algorithm>

namespace fata::tcp {

bool ReorderQueue::may_note(SeqRange range) const {
  if (blocks_.size() < kMaxBlocks) return true;
  for (std::uint32_t i = 0; i < blocks_.size(); ++i) {
    if (at_or_before(range.begin, blocks_[i].range.end) &&
        at_or_before(blocks_[i].range.begin, range.end))
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
    blocks_.erase(i + 1, nullptr, end - i - 1);  // one remains, so it does not become empty
  }
}

ReorderQueue::Outcome ReorderQueue::insert(Seq begin, Slice data, Memory& memory, std::size_t most,
                                           std::size_t reserve) {
  Outcome outcome;
  const Limits limits{memory, most, reserve};
  const SeqRange whole{begin, begin + static_cast<Seq>(data.size())};
  if (!may_note(whole) || !blocks_.reserve(&memory)) return outcome;
  std::uint32_t i = pieces_.size();
  // The first piece that ends after `begin`.
  while (i != 0 && before(begin, pieces_[i - 1].end())) --i;
  while (!data.empty()) {
    const Seq end = begin + static_cast<Seq>(data.size());
    const Seq gap_end = i < pieces_.size() ? earlier(pieces_[i].begin, end) : end;
    if (before(begin, gap_end)) {
      const std::uint32_t count = gap_end - begin;
      const std::uint32_t kept = keep(i, begin, data.part(0, count), limits);
      bytes_ += kept;
      outcome.kept += kept;
      data.trim_front(kept);
      begin += kept;
      if (kept != count) break;
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
  if (empty()) clear(memory);
  return outcome;
}

// Inserts `data` before piece `i` and advances `i`; returns the number of bytes kept.
std::uint32_t ReorderQueue::keep(std::uint32_t& i, Seq begin, Slice data, const Limits& limits) {
  const auto count = static_cast<std::uint32_t>(data.size());
  if (lend(i, begin, data, limits)) return count;
  std::uint32_t kept = 0;
  while (!data.empty()) {
    const bool extends = copied_ && i != 0 && copied_to_ == begin &&
                         pieces_[i - 1].end() == begin && open_used_ != own_.back().size();
    if (!extends && !room_for_piece(limits)) break;
    if ((own_.empty() || open_used_ == own_.back().size()) && !open_buffer(limits)) break;
    const Slice& open = own_.back();
    const auto part =
        static_cast<std::uint32_t>(std::min<std::size_t>(data.size(), open.size() - open_used_));
    copy_bytes(danger_unseen(open, open_used_), data.bytes().first(part));
    const auto before_it = static_cast<std::uint32_t>(extends ? pieces_[i - 1].data.size() : 0);
    Slice longer = open.part(open_used_ - before_it, before_it + part);
    if (extends) {
      pieces_[i - 1].data = std::move(longer);
    } else {
      pieces_.insert(i++, {std::move(longer), begin});
    }
    open_used_ += part;
    data.trim_front(part);
    begin += part;
    kept += part;
    copied_to_ = begin;
    copied_ = true;
  }
  return kept;
}

// Keeps a well-filled device buffer itself, unless this would waste too much memory.
bool ReorderQueue::lend(std::uint32_t& i, Seq begin, Slice& data, const Limits& limits) {
  Memory& memory = limits.memory;
  const std::size_t pinned = data.footprint();
  const std::size_t waste = held_ + pinned - std::min<std::size_t>(held_, bytes_) - data.size();
  // The part of max_for() that is not the window.
  const std::size_t spare = limits.most / 5 + 3 * kSlack / 4;
  if (data.home() == &memory || 4 * data.size() < pinned || waste > spare) return false;
  if (held() + pinned > limits.most || !memory.may_borrow(data)) return false;
  if (!memory.take(0, pinned + limits.reserve) || !room_for_piece(limits)) return false;
  memory.borrow(data);
  held_ += static_cast<std::uint32_t>(pinned);
  pieces_.insert(i++, {std::move(data), begin});
  return true;
}

bool ReorderQueue::room_for_piece(const Limits& limits) {
  return pieces_.size() < kMaxPieces && held() + pieces_.growth() <= limits.most &&
         pieces_.reserve(&limits.memory);
}

bool ReorderQueue::open_buffer(const Limits& limits) {
  Memory& memory = limits.memory;
  take_back_unused(memory);
  if (held() + own_.growth() + Memory::kSmall > limits.most || !own_.reserve(&memory)) return false;
  PacketBuf fresh = memory.allocate(Memory::kSmall, limits.reserve);
  if (!fresh) return false;
  (void)fresh.append(fresh.tailroom());
  held_ += Memory::kSmall;
  own_.push_back(Slice(std::move(fresh)));
  open_used_ = 0;
  return true;
}

// Releases buffers whose bytes have all been delivered and read, mostly in the order of their
// creation.
void ReorderQueue::take_back_unused(Memory& memory) {
  for (std::uint32_t i = 0; i < own_.size();) {
    if (own_[i].is_sole_holder()) {
      held_ -= Memory::kSmall;
      if (i + 1 == own_.size()) open_used_ = 0, copied_ = false;
      own_.erase(i, &memory);
    } else {
      ++i;
    }
  }
  if (own_.empty()) {
    open_used_ = 0;
  } else if (open_used_ == 0) {
    open_used_ = static_cast<std::uint32_t>(own_.back().size());
  }
}

SeqRange ReorderQueue::first_below(Seq end) const {
  if (blocks_.empty()) return {};
  const SeqRange first = blocks_.front().range;
  return before(first.begin, end) ? SeqRange{first.begin, earlier(first.end, end)} : SeqRange{};
}

bool ReorderQueue::deliver(ByteQueue& queue, Memory& memory) {
  bool any = false;
  copied_ = false;
  while (!pieces_.empty() && at_or_before(pieces_.front().begin, queue.end())) {
    Piece& first = pieces_.front();
    const std::uint32_t size = static_cast<std::uint32_t>(first.data.size());
    const std::uint32_t known = queue.end() - first.begin;
    const std::size_t lent = first.data.home() == &memory ? 0 : first.data.footprint();
    if (known < size) {
      first.data.trim_front(known);
      if (!queue.push_counted(std::move(first.data), memory)) return clear(memory), any;
      any = true;
    } else {
      memory.end_borrow(first.data);
    }
    held_ -= static_cast<std::uint32_t>(lent);
    bytes_ -= size;
    pieces_.pop_front(&memory);
  }
  while (!blocks_.empty() && at_or_before(blocks_.front().range.begin, queue.end()))
    blocks_.pop_front(&memory);
  if (empty()) clear(memory);
  return any;
}

void ReorderQueue::clear(Memory& memory) {
  for (std::uint32_t i = 0; i < pieces_.size(); ++i) memory.end_borrow(pieces_[i].data);
  pieces_.clear(&memory);
  blocks_.clear(&memory);
  own_.clear(&memory);
  bytes_ = held_ = open_used_ = 0;
  copied_ = false;
  unlink();
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

}  // namespace fata::tcp
