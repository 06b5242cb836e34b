#include "fata/ip/reassembly.hpp"

#include <algorithm>

namespace fata::ip {

Reassembly::Partial* Reassembly::find(const Key& key) {
  for (auto& each : packets_) {
    if (each && each->key == key) return each.get();
  }
  return nullptr;
}

std::size_t Reassembly::Partial::waste() const {
  std::size_t come = 0;
  for (const Range& range : std::span(ranges).first(range_count)) come += range.end - range.begin;
  return buffer ? buffer.size() + buffer.tailroom() - come : 0;
}

void Reassembly::give_up_oldest() {
  std::unique_ptr<Partial>* oldest = nullptr;
  for (auto& each : packets_) {
    if (each && (oldest == nullptr || each->deadline < (*oldest)->deadline)) oldest = &each;
  }
  if (oldest == nullptr) return;
  oldest->reset();
  ++given_up_;
}

// A last fragment of 8 bytes can occupy 64 KiB: a sender of such fragments displaces its own
// packets first. Among equals, the oldest is abandoned.
bool Reassembly::give_up_emptiest(const Partial& but) {
  std::unique_ptr<Partial>* worst = nullptr;
  for (auto& each : packets_) {
    if (!each || each.get() == &but || !each->buffer) continue;
    const bool worse = worst == nullptr || each->waste() > (*worst)->waste() ||
                       (each->waste() == (*worst)->waste() && each->deadline < (*worst)->deadline);
    if (worse) worst = &each;
  }
  if (worst == nullptr) return false;
  worst->reset();
  ++given_up_;
  return true;
}

Reassembly::Partial& Reassembly::make(const Key& key, Instant now) {
  if (std::ranges::all_of(packets_, [](const auto& each) { return each != nullptr; }))
    give_up_oldest();
  auto& place = *std::ranges::find_if(packets_, [](const auto& each) { return each == nullptr; });
  place = std::make_unique<Partial>();
  place->key = key;
  place->deadline = now + timeout_;
  next_deadline_ = std::min(next_deadline_, place->deadline);
  return *place;
}

bool Reassembly::grow(Partial& packet, std::size_t end) {
  const std::size_t room = packet.buffer ? packet.buffer.size() + packet.buffer.tailroom() : 0;
  if (end > room) {
    const std::size_t wanted =
        packet.total != 0 ? packet.total : std::max({end, 2 * room, std::size_t{4096}});
    PacketBuf larger = memory_->allocate(wanted, kHeader);
    while (!larger && give_up_emptiest(packet)) larger = memory_->allocate(wanted, kHeader);
    if (!larger) return false;
    copy_bytes(larger.append(packet.buffer.size()), packet.buffer.bytes());
    packet.buffer = std::move(larger);
  }
  if (end > packet.buffer.size()) (void)packet.buffer.append(end - packet.buffer.size());
  return true;
}

Reassembly::Outcome Reassembly::insert(Partial& packet, std::size_t begin, std::size_t end,
                                       Bytes data) {
  const auto ranges = std::span(packet.ranges);
  std::size_t at = 0;
  while (at < packet.range_count && ranges[at].end < begin) ++at;
  // ranges[at] is the first range that touches or follows the fragment.
  const bool inside = at < packet.range_count && ranges[at].begin <= begin && end <= ranges[at].end;
  if (inside) {
    const Bytes known = Bytes(packet.buffer.bytes()).subspan(begin, end - begin);
    return equal_bytes(known, data) ? Outcome::kWaits : Outcome::kOverlap;
  }
  const bool joins_before = at < packet.range_count && ranges[at].end == begin;
  const std::size_t next = joins_before ? at + 1 : at;
  if (next < packet.range_count && ranges[next].begin < end) return Outcome::kOverlap;
  const bool joins_after = next < packet.range_count && ranges[next].begin == end;
  const auto from = static_cast<std::uint16_t>(begin), to = static_cast<std::uint16_t>(end);
  if (joins_before && joins_after) {
    ranges[at].end = ranges[next].end;
    for (std::size_t i = next; i + 1 < packet.range_count; ++i) ranges[i] = ranges[i + 1];
    --packet.range_count;
  } else if (joins_before) {
    ranges[at].end = to;
  } else if (joins_after) {
    ranges[next].begin = from;
  } else {
    if (packet.range_count == kRanges) return Outcome::kNoRoom;
    for (std::size_t i = packet.range_count++; i > at; --i) ranges[i] = ranges[i - 1];
    ranges[at] = {from, to};
  }
  copy_bytes(packet.buffer.bytes().subspan(begin, end - begin), data);
  return Outcome::kWaits;
}

Reassembly::Result Reassembly::add(const Fragment& fragment, Instant now) {
  const std::size_t begin = fragment.offset, end = begin + fragment.data.size();
  const bool malformed = fragment.data.empty() || end > fragment.most || end > 65535 ||
                         fragment.header.size() > kHeader ||
                         (fragment.more && fragment.data.size() % 8 != 0);
  if (malformed) return {Outcome::kMalformed};
  Partial* packet = find(fragment.key);
  if (packet == nullptr) packet = &make(fragment.key, now);
  if (packet->refused) return {Outcome::kOverlap};

  const auto refuse = [&](Outcome why) -> Result {
    packet->refused = true;
    packet->buffer.reset();
    return {why};
  };
  if (!fragment.more) {
    if (packet->total != 0 && packet->total != end) return refuse(Outcome::kOverlap);
    packet->total = end;
  }
  const std::size_t reached =
      packet->range_count == 0 ? 0 : packet->ranges[packet->range_count - 1].end;
  if (packet->total != 0 && std::max(reached, end) > packet->total)
    return refuse(Outcome::kOverlap);
  if (!grow(*packet, end)) return refuse(Outcome::kNoRoom);
  const Outcome outcome = insert(*packet, begin, end, fragment.data);
  if (outcome != Outcome::kWaits) return refuse(outcome);

  if (begin == 0) {
    packet->header_size = fragment.header.size();
    copy_bytes(packet->header, fragment.header);
  }
  // A single congestion mark marks the whole packet (RFC 3168 section 5.3).
  if (packet->ecn != Ecn::kCongested) packet->ecn = fragment.ecn;
  packet->unicast &= fragment.unicast;
  const bool complete = packet->total != 0 && packet->range_count == 1 &&
                        packet->ranges[0].begin == 0 && packet->ranges[0].end == packet->total;
  if (!complete) return {};
  Result result{Outcome::kComplete, start_of(*packet), packet->header_size, packet->ecn,
                packet->unicast};
  std::ranges::find_if(packets_, [&](const auto& each) { return each.get() == packet; })->reset();
  return result;
}

PacketBuf Reassembly::start_of(Partial& packet) {
  const bool begun = packet.range_count != 0 && packet.ranges[0].begin == 0 && !packet.refused;
  if (!begun) return {};
  PacketBuf start = std::move(packet.buffer);
  start.truncate(packet.ranges[0].end);
  copy_bytes(start.prepend(packet.header_size), Bytes(packet.header).first(packet.header_size));
  return start;
}

std::size_t Reassembly::waiting() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(packets_, [](const auto& each) { return each != nullptr; }));
}

}  // namespace fata::ip
