#include "fata/tcp/scoreboard.hpp"

#include <algorithm>

#include "fata/tcp/isn.hpp"

namespace fata::tcp {

namespace {
constexpr std::uint32_t kDupThresh = 3;
// Maximum number of records waiting for reordering that are checked for the time to wait.
constexpr std::uint32_t kMaxWaiting = 64;
}  // namespace

void Scoreboard::sent(SeqRange range, Instant now, std::uint32_t segment) {
  if (records_.empty()) fresh_from_ = range.begin;
  records_.push_back({now, range.begin, range.end, static_cast<std::uint16_t>(segment), 0, 0});
}

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

bool Scoreboard::split(std::uint32_t i, Seq at) {
  if (records_.size() >= kMax || !records_.reserve(memory_)) return false;
  Record second = records_[i];
  records_[i].end = at;
  cut_front(second, at);
  records_.insert(i + 1, second);
  return true;
}

void Scoreboard::cut_front(Record& record, Seq to) {
  if (record.segment != 0)
    record.skew = static_cast<std::uint16_t>((record.skew + (to - record.begin)) % record.segment);
  record.begin = to;
}

// The whole segments of a record that lie in `part`; empty if there are none.
SeqRange Scoreboard::whole_segments(const Record& record, SeqRange part) {
  const std::uint32_t segment = record.segment;
  if (part.begin != record.begin) {
    if (segment == 0) return {part.end, part.end};
    const std::uint32_t over = (record.skew + (part.begin - record.begin)) % segment;
    if (over != 0) part.begin += segment - over;
  }
  if (part.end != record.end) {
    if (segment == 0) return {part.end, part.end};
    const std::uint32_t over = (record.skew + (part.end - record.begin)) % segment;
    part.end -= std::min(over, part.end - record.begin);
  }
  return before(part.begin, part.end) ? part : SeqRange{part.end, part.end};
}

void Scoreboard::deliver(const Record& record, SeqRange part, Instant now,
                         std::optional<std::uint32_t> echo, Duration min_rtt, Delivery& out) {
  out.bytes += part.size();
  out.longest = std::max(out.longest, part.size());
  const Duration rtt = now - record.sent;
  if ((record.flags & kRetransmitted) != 0) {
    out.retransmission = true;
    // The ACK may be for the first transmission (RFC 8985 section 6.2 step 2).
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
      // The path of every in-order ACK.
      [[clang::always_inline]] deliver(first, part, now, echo, min_rtt, out);
    }
    if (part.end != first.end) {
      cut_front(first, part.end);
      return;
    }
    records_.pop_front(memory_);
  }
}

void Scoreboard::sacked(SeqRange range, Instant now, std::optional<std::uint32_t> echo,
                        Duration min_rtt, Delivery& out) {
  if (empty()) return;
  range.begin = later(range.begin, records_.front().begin);
  range.end = earlier(range.end, records_.back().end);
  for (std::uint32_t i = find(range.begin);
       i < records_.size() && before(records_[i].begin, range.end); ++i) {
    const Record& record = records_[i];
    if ((record.flags & kSacked) != 0) continue;
    const SeqRange part =
        whole_segments(record, {later(record.begin, range.begin), earlier(record.end, range.end)});
    if (part.size() == 0) continue;
    const Record was = record;
    if (!mark_arrived(i, part)) continue;
    deliver(was, part, now, echo, min_rtt, out);
    sacked_ += part.size();
    if ((was.flags & kLost) != 0) lost_ -= part.size();
  }
}

// Marks `part` of record `i` as delivered; `i` is then the record that holds it. False if that
// needs more records than are available.
bool Scoreboard::mark_arrived(std::uint32_t& i, SeqRange part) {
  const auto join_next = [&] {
    if (i + 1 == records_.size() || (records_[i + 1].flags & kSacked) == 0) return;
    records_[i].end = records_[i + 1].end;
    records_.erase(i + 1, memory_);
  };
  Record& record = records_[i];
  // Adjacent delivered records are merged, so that a walk passes them in one step.
  const bool joins = i != 0 && part.begin == record.begin && (records_[i - 1].flags & kSacked) != 0;
  if (joins) {
    records_[i - 1].end = part.end;
    cut_front(record, part.end);
    if (record.size() != 0) return true;
    records_.erase(i--, memory_);
    join_next();
    return true;
  }
  if (part.begin != record.begin) {
    if (!split(i, part.begin)) return false;
    ++i;
  }
  if (part.end != records_[i].end && !split(i, part.end)) return false;
  records_[i].flags = static_cast<std::uint8_t>((records_[i].flags & ~kLost) | kSacked);
  join_next();
  return true;
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

Scoreboard::Detection Scoreboard::detect(Instant now, Duration min_rtt, Duration srtt,
                                         std::uint32_t mss, bool recovering) {
  Detection found;
  if (!any_delivered_ || empty()) return found;
  const Duration loss_timeout = rack_rtt_ + reorder_window(min_rtt, srtt, mss, recovering);
  judge_first_transmissions(loss_timeout, now, found);
  if (again_from_ <= rack_sent_) judge_retransmissions(loss_timeout, now, found);
  return found;
}

// For a record sent before a delivered one: marks it lost, or computes when it will be.
void Scoreboard::judge(Record& record, Duration loss_timeout, Instant now, Detection& found) {
  const Duration left = (record.sent + loss_timeout) - now;
  if (left.ns > 0) return void(found.wait = std::max(found.wait, left));
  mark_lost(record);
  found.bytes += record.size();
}

// First transmissions are ordered by time: records before the first that is not lost need no
// further check, nor do records sent after the delivered one.
void Scoreboard::judge_first_transmissions(Duration loss_timeout, Instant now, Detection& found) {
  std::uint32_t i = after(fresh_from_, records_.front().begin) ? find(fresh_from_) : 0;
  while (i < records_.size()) {
    Record& record = records_[i];
    if (record.flags == 0) {
      if (!is_older(record)) break;
      judge(record, loss_timeout, now, found);
      if (record.flags == 0) break;
    }
    ++i;
  }
  fresh_from_ = i < records_.size() ? records_[i].begin : records_.back().end;
  const std::uint32_t most = std::min(records_.size() - i, kMaxWaiting);
  for (std::uint32_t end = i + most; i < end; ++i) {
    Record& record = records_[i];
    if (record.flags != 0) continue;
    if (!is_older(record)) return;
    judge(record, loss_timeout, now, found);
  }
  if (i < records_.size()) found.wait = std::max(found.wait, (rack_sent_ + loss_timeout) - now);
}

void Scoreboard::judge_retransmissions(Duration loss_timeout, Instant now, Detection& found) {
  again_from_ = Instant::never();
  for (std::uint32_t i = 0; i < records_.size(); ++i) {
    Record& record = records_[i];
    if ((record.flags & (kSacked | kLost)) != 0 || record.flags == 0) continue;
    if (is_older(record)) judge(record, loss_timeout, now, found);
    if ((record.flags & kLost) == 0) again_from_ = std::min(again_from_, record.sent);
  }
}

void Scoreboard::on_timeout(Instant now, Duration min_rtt, Duration srtt, std::uint32_t mss) {
  const Duration loss_timeout = rack_rtt_ + reorder_window(min_rtt, srtt, mss, true);
  for (std::uint32_t i = 0; i < records_.size(); ++i) {
    Record& record = records_[i];
    if ((record.flags & (kSacked | kLost)) != 0) continue;
    if (i == 0 || !any_delivered_ || record.sent + loss_timeout <= now) mark_lost(record);
  }
}

std::uint32_t Scoreboard::mark_first_lost(std::uint32_t bytes) {
  if (empty() || (records_.front().flags & (kSacked | kLost)) != 0) return 0;
  if (records_.front().size() > bytes) (void)split(0, records_.front().begin + bytes);
  mark_lost(records_.front());
  return records_.front().size();
}

void Scoreboard::mark_all_lost() {
  for (std::uint32_t i = 0; i < records_.size(); ++i) {
    if ((records_[i].flags & (kSacked | kLost)) == 0) mark_lost(records_[i]);
  }
}

void Scoreboard::unmark_lost() {
  for (std::uint32_t i = 0; i < records_.size(); ++i)
    records_[i].flags &= static_cast<std::uint8_t>(~kLost);
  lost_ = 0;
  look_at_all();
}

void Scoreboard::forget_sacks() {
  for (std::uint32_t i = 0; i < records_.size(); ++i)
    records_[i].flags &= static_cast<std::uint8_t>(~kSacked);
  sacked_ = 0;
  look_at_all();
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

// If no record is available for a part, the whole record counts as retransmitted; a part that was
// not is detected as lost later.
void Scoreboard::retransmitted(SeqRange range, Instant now, std::uint32_t segment) {
  std::uint32_t i = find(range.begin);
  if (i < records_.size() && before(records_[i].begin, range.begin) && split(i, range.begin)) ++i;
  for (; i < records_.size() && before(records_[i].begin, range.end); ++i) {
    if (after(records_[i].end, range.end)) (void)split(i, range.end);
    Record& record = records_[i];
    if ((record.flags & kSacked) != 0) continue;
    if ((record.flags & kLost) != 0) lost_ -= record.size();
    record.flags = kRetransmitted;
    record.sent = now;
    record.segment = static_cast<std::uint16_t>(segment);
    const std::uint32_t into = after(record.begin, range.begin) ? record.begin - range.begin : 0;
    record.skew = static_cast<std::uint16_t>(segment == 0 ? 0 : into % segment);
  }
  again_from_ = std::min(again_from_, now);
  if (at_or_before(range.begin, lost_from_) && before(lost_from_, range.end))
    lost_from_ = range.end;
}

void Scoreboard::look_at_all() {
  if (empty()) return;
  fresh_from_ = records_.front().begin;
  again_from_ = Instant{};
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

SeqRange Scoreboard::stretch_at(Seq at) const {
  const std::uint32_t i = find(at);
  if (i == records_.size() || before(at, records_[i].begin)) return {at, at};
  return {records_[i].begin, records_[i].end};
}

void Scoreboard::clear() {
  records_.clear(memory_);
  sacked_ = lost_ = 0;
  again_from_ = Instant::never();
}

}  // namespace fata::tcp
