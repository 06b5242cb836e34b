#include "fata/resolver/cache.hpp"

#include <algorithm>
#include <bit>

namespace fata::resolver {

Cache::Cache(const SipKey& secret, const CacheLimits& limits)
    : secret_(secret), limits_(limits), entries_(std::bit_ceil(std::max(limits.entries, kWays))) {}

std::span<Cache::Entry> Cache::set_of(std::uint64_t hash) {
  const std::size_t sets = entries_.size() / kWays;
  return std::span(entries_).subspan((hash & (sets - 1)) * kWays, kWays);
}

Cache::Entry* Cache::entry_of(const Key& key) {
  for (Entry& each : set_of(key.hash)) {
    if (each.hash == key.hash && each.type == key.type && each.name_size == key.name.size() &&
        equal_bytes(Bytes(each.data).first(each.name_size), key.name)) {
      return &each;
    }
  }
  return nullptr;
}

std::optional<Cache::Found> Cache::find(const Key& key, Instant now) {
  Entry* const entry = entry_of(key);
  if (entry == nullptr) return std::nullopt;
  const Duration left = entry->ends - now;
  // A negative answer is not used after its end: the name may have been created since.
  if (left.ns <= 0 && (entry->error || left + limits_.stale <= Duration{})) {
    free(*entry);
    return std::nullopt;
  }
  entry->used = now;
  return Found{entry->error, Bytes(entry->data).subspan(entry->name_size), left, entry->retry_at};
}

void Cache::put(const Key& key, std::optional<sig::NameErrc> error, const sig::RecordSet& records,
                Instant now) {
  const std::size_t size = key.name.size() + records.bytes.size();
  Entry* entry = entry_of(key);
  if (records.ttl == 0 || size > std::min(limits_.entry_octets, limits_.octets)) {
    if (entry != nullptr) free(*entry);
    return;
  }
  if (entry == nullptr) {
    // The free place, the one that ended, or the one that was not used for longest.
    const auto order = [now](const Entry& each) {
      return each.name_size == 0 ? Instant{} : each.ends <= now ? Instant{1} : each.used;
    };
    entry = &*std::ranges::min_element(set_of(key.hash), {}, order);
  }
  free(*entry);
  make_room(size);
  entry->hash = key.hash;
  entry->type = key.type;
  entry->error = error;
  entry->ends = now + seconds(records.ttl);
  entry->used = now;
  entry->retry_at = {};
  entry->name_size = static_cast<std::uint8_t>(key.name.size());
  entry->data.reserve(size);
  entry->data.assign(key.name.begin(), key.name.end());
  entry->data.insert(entry->data.end(), records.bytes.begin(), records.bytes.end());
  octets_ += size;
}

void Cache::postpone(const Key& key, Instant retry_at) {
  if (Entry* const entry = entry_of(key)) entry->retry_at = retry_at;
}

void Cache::free(Entry& entry) {
  octets_ -= entry.data.size();
  entry.data = {};
  entry.name_size = 0;
}

// Frees entries in turn, wherever they are.
void Cache::make_room(std::size_t octets) {
  while (octets_ + octets > limits_.octets) {
    free(entries_[hand_]);
    hand_ = (hand_ + 1) % entries_.size();
  }
}

std::size_t Cache::entries() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [](const Entry& each) { return each.name_size != 0; }));
}

}  // namespace fata::resolver
