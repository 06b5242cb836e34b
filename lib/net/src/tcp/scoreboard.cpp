#include "fata/net/tcp/scoreboard.hpp"

#include <algorithm>

#include "fata/net/tcp/isn.hpp"

namespace fata::net::tcp {

namespace {
constexpr std::uint32_t kDupThresh = 3;
}

void Scoreboard::sent(SeqRange range, Instant now) { records_.push_back({now, range.begin, range.end, 0}); }

std::uint32_t Scoreboard::find(Seq at) const {
  std::uint32_t low = 0;
  std::uint32_t high = records_.size();
  while (low < high) {
    const std::uint32_t middle = (low + high) / 2;
    if (at_or_before(records_[middle].end, at)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void Scoreboard::split(std::uint32_t i, Seq at) {
  Record second = records_[i];
  records_[i].end = at;
  second.begin = at;
  records_.insert(i + 1, second);
}

void Scoreboard::deliver(const Record& record, SeqRange part, Instant now, std::optional<std::uint32_t> echo,
                         Duration min_rtt, Delivery& out) {
  out.bytes += part.size();
  const Duration rtt = now - record.sent;
  if ((record.flags & kRetransmitted) != 0) {
    out.retransmission = true;
    // The ACK may be of the first transmission (RFC 8985 section 6.2 step 2).
    if (echo && before(*echo, timestamp_clock(record.sent))) return;
    if (rtt < min_rtt) return;
  } else {
    out.rtt = std::max(rtt, nanoseconds(1));
    if (any_delivered_ && before(part.end, highest_)) reordering_seen_ = true;
  }
  if (!any_delivered_ || after(part.end, highest_)) highest_ = part.end;
  if (!any_delivered_ || record.sent > rack_sent_ ||
      (record.sent == rack_sent_ && after(part.end, rack_end_))) {
    rack_sent_ = record.sent;
    rack_end_ = part.end;
    rack_rtt_ = rtt;
  }
  any_delivered_ = true;
}

void Scoreboard::acked(Seq una, Instant now, std::optional<std::uint32_t> echo, Duration min_rtt,
                       Delivery& out) {
  while (!records_.empty() && before(records_.front().begin, una)) {
    Record& first = records_.front();
    const SeqRange part{first.begin, earlier(first.end, una)};
    if ((first.flags & kLost) != 0) lost_ -= part.size();
    if ((first.flags & kSacked) != 0) {
      sacked_ -= part.size();
    } else {
      deliver(first, part, now, echo, min_rtt, out);
    }
    if (part.end != first.end) {
      first.begin = part.end;
      return;
    }
    records_.pop_front();
  }
}

void Scoreboard::sacked(SeqRange range, Instant now, std::optional<std::uint32_t> echo, Duration min_rtt,
                        Delivery& out) {
  if (empty()) return;
  range.begin = later(range.begin, records_.front().begin);
  range.end = earlier(range.end, records_.back().end);
  for (std::uint32_t i = find(range.begin); i < records_.size() && before(records_[i].begin, range.end);
       ++i) {
    Record& record = records_[i];
    if ((record.flags & kSacked) != 0) continue;
    const SeqRange part{later(record.begin, range.begin), earlier(record.end, range.end)};
    deliver(record, part, now, echo, min_rtt, out);
    sacked_ += part.size();
    if ((record.flags & kLost) != 0) lost_ -= part.size();
    // Neighbours that both arrived are one record: the walk over them is then one step.
    const bool joins = i != 0 && part.begin == record.begin && (records_[i - 1].flags & kSacked) != 0;
    if (joins) {
      records_[i - 1].end = part.end;
      record.begin = part.end;
      if (record.size() == 0) records_.erase(i--);
      continue;
    }
    if (part.begin != record.begin) split(i++, part.begin);
    if (part.end != records_[i].end) split(i, part.end);
    records_[i].flags = static_cast<std::uint8_t>((records_[i].flags & ~kLost) | kSacked);
    if (i + 1 < records_.size() && (records_[i + 1].flags & kSacked) != 0) {
      records_[i].end = records_[i + 1].end;
      records_.erase(i + 1);
    }
  }
}

void Scoreboard::mark_lost(Record& record) {
  if (lost_ == 0 || before(record.begin, lost_from_)) lost_from_ = record.begin;
  record.flags |= kLost;
  lost_ += record.size();
}

Duration Scoreboard::reorder_window(Duration min_rtt, Duration srtt, std::uint32_t mss,
                                    bool recovering) const {
  if (!reordering_seen_ && (recovering || sacked_ >= kDupThresh * mss)) return {};
  return std::min(min_rtt * window_mult_ / 4, srtt);
}

Scoreboard::Detection Scoreboard::detect(Instant now, Duration min_rtt, Duration srtt, std::uint32_t mss,
                                         bool recovering) {
  Detection found;
  if (!any_delivered_) return found;
  const Duration patience = rack_rtt_ + reorder_window(min_rtt, srtt, mss, recovering);
  for (std::uint32_t i = 0; i < records_.size(); ++i) {
    Record& record = records_[i];
    if ((record.flags & (kSacked | kLost)) != 0) continue;
    // What was sent once lies in the order of its times, and what was sent again is younger than its
    // neighbours.
    const bool older =
        record.sent < rack_sent_ || (record.sent == rack_sent_ && before(record.end, rack_end_));
    if (!older) {
      if ((record.flags & kRetransmitted) == 0) break;
      continue;
    }
    const Duration left = (record.sent + patience) - now;
    if (left.ns <= 0) {
      mark_lost(record);
      found.bytes += record.size();
    } else {
      found.wait = std::max(found.wait, left);
    }
  }
  return found;
}

void Scoreboard::on_timeout(Instant now, Duration min_rtt, Duration srtt, std::uint32_t mss) {
  const Duration patience = rack_rtt_ + reorder_window(min_rtt, srtt, mss, true);
  for (std::uint32_t i = 0; i < records_.size(); ++i) {
    Record& record = records_[i];
    if ((record.flags & (kSacked | kLost)) != 0) continue;
    if (i == 0 || !any_delivered_ || record.sent + patience <= now) mark_lost(record);
  }
}

std::uint32_t Scoreboard::mark_first_lost(std::uint32_t bytes) {
  if (empty() || (records_.front().flags & (kSacked | kLost)) != 0) return 0;
  if (records_.front().size() > bytes) split(0, records_.front().begin + bytes);
  mark_lost(records_.front());
  return records_.front().size();
}

void Scoreboard::mark_all_lost() {
  for (std::uint32_t i = 0; i < records_.size(); ++i) {
    if ((records_[i].flags & (kSacked | kLost)) == 0) mark_lost(records_[i]);
  }
}

void Scoreboard::unmark_lost() {
  for (std::uint32_t i = 0; i < records_.size(); ++i) records_[i].flags &= static_cast<std::uint8_t>(~kLost);
  lost_ = 0;
}

void Scoreboard::forget_sacks() {
  for (std::uint32_t i = 0; i < records_.size(); ++i)
    records_[i].flags &= static_cast<std::uint8_t>(~kSacked);
  sacked_ = 0;
}

std::optional<SeqRange> Scoreboard::first_lost(std::uint32_t most) {
  if (lost_ == 0) return std::nullopt;
  for (std::uint32_t i = find(lost_from_); i < records_.size(); ++i) {
    const Record& record = records_[i];
    if ((record.flags & kLost) == 0) continue;
    lost_from_ = record.begin;
    Seq end = record.end;
    for (std::uint32_t j = i + 1;
         j < records_.size() && (records_[j].flags & kLost) != 0 && end - record.begin < most; ++j)
      end = records_[j].end;
    return SeqRange{record.begin, earlier(end, record.begin + most)};
  }
  return std::nullopt;
}

void Scoreboard::retransmitted(SeqRange range, Instant now) {
  std::uint32_t i = find(range.begin);
  if (i < records_.size() && before(records_[i].begin, range.begin)) split(i++, range.begin);
  for (; i < records_.size() && before(records_[i].begin, range.end); ++i) {
    if (after(records_[i].end, range.end)) split(i, range.end);
    Record& record = records_[i];
    if ((record.flags & kSacked) != 0) continue;
    if ((record.flags & kLost) != 0) lost_ -= record.size();
    record.flags = kRetransmitted;
    record.sent = now;
  }
  if (at_or_before(range.begin, lost_from_) && before(lost_from_, range.end)) lost_from_ = range.end;
}

void Scoreboard::on_dsack(Seq una, Seq nxt) {
  if (in_dsack_round_ && before(una, dsack_round_)) return;
  in_dsack_round_ = true;
  dsack_round_ = nxt;
  if (window_mult_ < 64) ++window_mult_;
  window_persist_ = 16;
}

void Scoreboard::on_recovered() {
  if (window_persist_ != 0 && --window_persist_ == 0) window_mult_ = 1;
}

void Scoreboard::clear() {
  records_.clear();
  sacked_ = lost_ = 0;
}

}  // namespace fata::net::tcp
