// Builds the index from loaded zones; index.cpp searches it.
#include <algorithm>

#include "fata/base/panic.hpp"
#include "index.hpp"
#include "text.hpp"

namespace fata::dns {

void Index::insert(std::uint64_t hash, std::uint32_t node) {
  std::size_t at = hash & mask_;
  while (slots_[at].node != 0) at = (at + 1) & mask_;
  slots_[at] = {static_cast<std::uint32_t>(hash >> 32), node};
}

// Like zone_of(), before the table exists; needed only for names below another zone's apex.
std::size_t Index::zone_among_loads(std::span<const std::unique_ptr<ZoneLoad>> zones,
                                    Bytes name) const {
  std::size_t best = kNoZone;
  for (std::size_t i = 0; i < zones.size(); ++i) {
    if (is_under(name, zones[i]->apex()) &&
        (best == kNoZone || zones[i]->apex().size() > zones[best]->apex().size())) {
      best = i;
    }
  }
  return best;
}

namespace {
// An order of names without regard to case; any order with equal names adjacent will do.
bool name_before(Bytes a, Bytes b) {
  return std::ranges::lexicographical_compare(
      a, b, [](std::byte left, std::byte right) { return lower(left) < lower(right); });
}

// Sorts a set's records into their stored order: by the names that they point to.
void sort_by_target(const ZoneLoad& zone, Type type, std::vector<std::uint32_t>& records) {
  const auto target = [&](std::uint32_t number) {
    return target_of(type, zone.rdata_of(zone.record(number)));
  };
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    return name_before(target(a), target(b));
  };
  // Heapsort is the smallest code without a slow case.
  std::ranges::make_heap(records, before);
  std::ranges::sort_heap(records, before);
}
}  // namespace

std::uint32_t Index::write_node(ByteWriter& out, const ZoneLoad& zone, std::size_t index,
                                std::size_t zone_number, bool shadowed) const {
  out.zeros((kUnit - out.position() % kUnit) % kUnit);
  const auto reference = static_cast<std::uint32_t>(out.position() / kUnit);
  const ZoneLoad::NodeEntry& entry = zone.node(index);
  NodeHead head{
      .name_size = entry.name_size,
      .flags = static_cast<std::uint8_t>(entry.flags | (shadowed ? node_flag::kShadowed : 0)),
      .zone = static_cast<std::uint16_t>(zone_number),
      .sets = 0};
  const MutableBytes head_at = out.reserve(sizeof head);
  out.bytes(zone.name_of(entry));
  auto records = zone.records_of(index);
  while (!records.empty()) {
    const ZoneLoad::Set set = zone.take_set(records);
    SetHead set_head{.type = set.type,
                     .covered = set.covered,
                     .count = static_cast<std::uint16_t>(set.records.size()),
                     .size = 0,
                     .prepared = kCompose};
    const MutableBytes set_at = out.reserve(sizeof set_head);
    const std::size_t start = out.position();
    std::vector<std::uint32_t> sorted;
    if (set.records.size() > 1 && target_position(static_cast<Type>(set.type)) != kNoTarget) {
      sorted.assign(set.records.begin(), set.records.end());
      sort_by_target(zone, static_cast<Type>(set.type), sorted);
    }
    for (const std::uint32_t number : sorted.empty() ? set.records : sorted) {
      const ZoneLoad::RecordEntry& record = zone.record(number);
      out.u16(0xc000 | kHeaderSize);
      out.u16(set.type);
      out.u16(static_cast<std::uint16_t>(Class::kIn));
      out.u32(record.ttl);
      out.u16(record.size);
      out.bytes(zone.rdata_of(record));
    }
    set_head.size = static_cast<std::uint16_t>(out.position() - start);
    std::memcpy(set_at.data(), &set_head, set_at.size());
    ++head.sets;
  }
  std::memcpy(head_at.data(), &head, head_at.size());
  return reference;
}

void Index::build(std::span<const std::unique_ptr<ZoneLoad>> zones) {
  std::size_t nodes = 0;
  std::size_t size = kUnit;  // reference 0 means no node
  for (const auto& zone : zones) {
    nodes += zone->node_count();
    for (std::size_t i = 0; i < zone->node_count(); ++i) {
      size += sizeof(NodeHead) + zone->node(i).name_size + kUnit;
      auto records = zone->records_of(i);
      while (!records.empty()) {
        size += sizeof(SetHead);
        for (const std::uint32_t number : zone->take_set(records).records) {
          size += kRecordHeadSize + zone->record(number).size;
        }
      }
    }
  }
  check(size / kUnit <= 0xffffffff && zones.size() < kNoZone,
        "dns: the zones are too large for the index");
  data_ = std::make_unique_for_overwrite<std::byte[]>(size);
  // At most five in eight slots are used, and at least one is free.
  slots_.assign(std::bit_ceil(nodes * 8 / 5 + 1), Slot{});
  mask_ = slots_.size() - 1;
  ByteWriter out(danger_span(data_.get(), size));
  out.zeros(kUnit);
  for (std::size_t number = 0; number < zones.size(); ++number) {
    const ZoneLoad& zone = *zones[number];
    const bool has_zones_below = std::ranges::any_of(zones, [&](const auto& other) {
      return &*other != &zone && is_under(other->apex(), zone.apex());
    });
    ZoneEntry entry{.apex_size = static_cast<std::uint8_t>(zone.apex().size()),
                    .labels = static_cast<std::uint8_t>(label_count(zone.apex())),
                    .has_dnssec = zone.has_dnssec(),
                    .broken = zone.broken()};
    for (std::size_t i = 0; i < zone.node_count(); ++i) {
      if ((zone.node(i).flags & node_flag::kAbsent) != 0) continue;
      const Bytes name = zone.name_of(zone.node(i));
      const bool shadowed = has_zones_below && zone_among_loads(zones, name) != number;
      const std::uint32_t reference = write_node(out, zone, i, number, shadowed);
      const std::uint64_t hash = LowerName(name).hash();
      insert(shadowed ? shadow_hash(hash, number) : hash, reference);
      entry.has_shadowed |= shadowed;
      if ((zone.node(i).flags & node_flag::kApex) != 0) entry.apex = reference;
    }
    min_labels_ = std::min<std::size_t>(min_labels_, entry.labels);
    max_labels_ = std::max<std::size_t>(max_labels_, entry.labels);
    zones_.push_back(entry);
  }
  check(out.ok(), "dns: the index does not fit what was counted");
  size_ = out.position();
}

}  // namespace fata::dns
