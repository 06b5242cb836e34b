#include "index.hpp"

#include <algorithm>

#include "fata/base/panic.hpp"

namespace fata::dns {

NodeView Index::find_in(std::size_t zone, const LowerName& name, std::size_t from) const {
  const std::uint64_t hash = name.hash(from);
  const Bytes wire = name.wire().subspan(from);
  if (const std::uint32_t reference = find(hash, wire); reference != 0) {
    const NodeView found = node(reference);
    if (found.zone() == zone) return found;
  }
  if (!zones_[zone].has_shadowed) return {};
  const std::uint64_t shadow = shadow_hash(hash, zone);
  for (std::size_t at = shadow & mask_; slots_[at].node != 0; at = (at + 1) & mask_) {
    if (slots_[at].tag != static_cast<std::uint32_t>(shadow >> 32)) continue;
    const NodeView found = node(slots_[at].node);
    if (found.has(node_flag::kShadowed) && found.zone() == zone && equal_bytes(found.name(), wire))
      return found;
  }
  return {};
}

std::size_t Index::zone_of(const LowerName& name, std::size_t from) const {
  if (zones_.empty()) return kNoZone;
  const LabelStarts labels(name.wire(), from);
  for (std::size_t count = std::min(most_labels_, labels.count()) + 1; count-- > least_labels_;) {
    const std::size_t at = labels.suffix(count);
    const std::uint32_t reference = find(name.hash(at), name.wire().subspan(at));
    if (reference == 0) continue;
    const NodeView found = node(reference);
    if (found.has(node_flag::kApex)) return found.zone();
  }
  return kNoZone;
}

Index::Encloser Index::closest_encloser(std::size_t zone, const LowerName& name) const {
  const LabelStarts labels(name.wire());
  Encloser encloser;
  for (std::size_t count = zones_[zone].labels; count < labels.count(); ++count) {
    const std::size_t at = labels.suffix(count);
    const NodeView found = find_in(zone, name, at);
    if (!found) break;
    encloser = {found, static_cast<std::uint32_t>(at)};
    if (found.has(node_flag::kCut | node_flag::kDname)) break;
  }
  return encloser;
}

void Index::prefetch_node(std::uint64_t hash) const {
  for (std::size_t at = hash & mask_; slots_[at].node != 0; at = (at + 1) & mask_) {
    if (slots_[at].tag != static_cast<std::uint32_t>(hash >> 32)) continue;
    const Bytes block = memory().subspan(std::size_t{slots_[at].node} * kUnit);
    __builtin_prefetch(block.data());
    if (block.size() > 64) __builtin_prefetch(block.subspan(64).data());
    return;
  }
}

[[clang::minsize]] void Index::insert(std::uint64_t hash, std::uint32_t node) {
  std::size_t at = hash & mask_;
  while (slots_[at].node != 0) at = (at + 1) & mask_;
  slots_[at] = {static_cast<std::uint32_t>(hash >> 32), node};
}

// As zone_of(), before the table exists; only names below another zone's apex need it.
[[clang::minsize]] std::size_t Index::zone_among_loads(std::span<const std::unique_ptr<ZoneLoad>> zones,
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

[[clang::minsize]] std::uint32_t Index::write_node(ByteWriter& out, const ZoneLoad& zone, std::size_t index,
                                                   std::size_t zone_number, bool shadowed) const {
  out.zeros((kUnit - out.position() % kUnit) % kUnit);
  const auto reference = static_cast<std::uint32_t>(out.position() / kUnit);
  const ZoneLoad::NodeEntry& entry = zone.node(index);
  NodeHead head{.name_size = entry.name_size,
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
    for (const std::uint32_t number : set.records) {
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

[[clang::minsize]] void Index::build(std::span<const std::unique_ptr<ZoneLoad>> zones) {
  std::size_t nodes = 0;
  std::size_t size = kUnit;  // reference 0 is no node
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
  check(size / kUnit <= 0xffffffff && zones.size() < kNoZone, "dns: the zones are too large for the index");
  data_ = std::make_unique_for_overwrite<std::byte[]>(size);
  // At most five in eight slots are used, and one is always free.
  slots_.assign(std::bit_ceil(nodes * 8 / 5 + 1), Slot{});
  mask_ = slots_.size() - 1;
  ByteWriter out(danger_span(data_.get(), size));
  out.zeros(kUnit);
  for (std::size_t number = 0; number < zones.size(); ++number) {
    const ZoneLoad& zone = *zones[number];
    const bool has_zones_below = std::ranges::any_of(
        zones, [&](const auto& other) { return &*other != &zone && is_under(other->apex(), zone.apex()); });
    ZoneEntry entry{.apex_size = static_cast<std::uint8_t>(zone.apex().size()),
                    .labels = static_cast<std::uint8_t>(label_count(zone.apex())),
                    .has_dnssec = zone.has_dnssec()};
    for (std::size_t i = 0; i < zone.node_count(); ++i) {
      const Bytes name = zone.name_of(zone.node(i));
      const bool shadowed = has_zones_below && zone_among_loads(zones, name) != number;
      const std::uint32_t reference = write_node(out, zone, i, number, shadowed);
      const std::uint64_t hash = LowerName(name).hash();
      insert(shadowed ? shadow_hash(hash, number) : hash, reference);
      entry.has_shadowed |= shadowed;
      if ((zone.node(i).flags & node_flag::kApex) != 0) entry.apex = reference;
    }
    least_labels_ = std::min<std::size_t>(least_labels_, entry.labels);
    most_labels_ = std::max<std::size_t>(most_labels_, entry.labels);
    zones_.push_back(entry);
  }
  check(out.ok(), "dns: the index does not fit what was counted");
  size_ = out.position();
}

}  // namespace fata::dns
