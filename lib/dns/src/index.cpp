#include "index.hpp"

#include <algorithm>

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
  [[clang::uninitialized]] const LabelStarts labels(name.wire(), from);
  for (std::size_t count = std::min(max_labels_, labels.count()) + 1; count-- > min_labels_;) {
    const std::size_t at = labels.suffix(count);
    const std::uint32_t reference = find(name.hash(at), name.wire().subspan(at));
    if (reference == 0) continue;
    const NodeView found = node(reference);
    if (found.has(node_flag::kApex)) return found.zone();
  }
  return kNoZone;
}

Index::Encloser Index::closest_encloser(std::size_t zone, const LowerName& name) const {
  [[clang::uninitialized]] const LabelStarts labels(name.wire());
  Encloser encloser;
  for (std::size_t count = zones_[zone].labels; count < labels.count(); ++count) {
    const std::size_t at = labels.suffix(count);
    [[clang::uninitialized]] const NodeView found = find_in(zone, name, at);
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

}  // namespace fata::dns
