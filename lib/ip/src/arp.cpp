#include "fata/ip/arp.hpp"

#include <algorithm>

namespace fata::ip::arp {

std::span<Cache::Entry> Cache::set_of(Ipv4Address address) {
  // Fibonacci hashing spreads the neighbouring addresses of one network over the sets.
  const std::size_t set = address.value * std::uint32_t{2654435769} >> 28;
  return std::span(entries_).subspan(set * kWays, kWays);
}

Cache::Entry* Cache::find(Ipv4Address address) {
  for (Entry& entry : set_of(address)) {
    if (entry.state != State::kFree && entry.address == address) return &entry;
  }
  return nullptr;
}

[[clang::minsize]] Cache::Entry& Cache::make(Ipv4Address address) {
  Entry* victim = nullptr;
  for (Entry& entry : set_of(address)) {
    if (entry.state == State::kFree) {
      victim = &entry;
      break;
    }
    if (victim == nullptr || entry.deadline < victim->deadline) victim = &entry;
  }
  waiting_.drop(victim->waiting);
  *victim = Entry{};
  victim->address = address;
  return *victim;
}

Cache::Lookup Cache::lookup(Ipv4Address address, PacketBuf& packet, Instant now) {
  Entry* entry = find(address);
  if (entry != nullptr && entry->state == State::kReachable && now < entry->deadline) [[likely]] {
    Lookup found{Next::kSend, entry->mac, false};
    if (entry->deadline - now < kRefresh && now - entry->last_request >= kRetry) {
      entry->last_request = now;
      found.request = true;
    }
    return found;
  }
  Lookup asked;
  if (entry == nullptr || entry->state == State::kReachable) {
    if (entry == nullptr) entry = &make(address);
    entry->state = State::kIncomplete;
    entry->requests = 1;
    entry->deadline = now + kRetry;
    remind(entry->deadline);
    asked.request = true;
  }
  waiting_.push(entry->waiting, std::move(packet));
  return asked;
}

[[clang::minsize]] bool Cache::learn(Ipv4Address address, const MacAddress& mac, bool to_us,
                                     Instant now) {
  Entry* entry = find(address);
  if (entry == nullptr) {
    if (!to_us) return false;
    entry = &make(address);
  }
  entry->mac = mac;
  entry->state = State::kReachable;
  entry->requests = 0;
  entry->deadline = now + kReachable;
  remind(entry->deadline);
  return !entry->waiting.empty();
}

[[clang::minsize]] PacketBuf Cache::take(Ipv4Address address) {
  Entry* const entry = find(address);
  return entry == nullptr ? PacketBuf() : waiting_.pop(entry->waiting);
}

[[clang::minsize]] void Cache::doubt(Ipv4Address address, Instant now) {
  Entry* const entry = find(address);
  if (entry == nullptr || entry->state != State::kReachable) return;
  entry->deadline = std::min(entry->deadline, now + kDoubt);
  remind(entry->deadline);
}

[[clang::minsize]] bool Cache::age(Entry& entry, Instant now) {
  if (entry.state == State::kFree) return false;
  bool request = false;
  if (entry.deadline <= now) {
    if (entry.state == State::kReachable || entry.requests >= kMaxRequests) {
      waiting_.drop(entry.waiting);
      entry = Entry{};
      return false;
    }
    ++entry.requests;
    entry.deadline = now + kRetry;
    request = true;
  }
  remind(entry.deadline);
  return request;
}

[[clang::minsize]] void Cache::write_entry(TextWriter& line, std::size_t index) const {
  const Entry& entry = entries_[index];
  if (entry.state == State::kFree) return;
  print(line, entry.address, ' ');
  if (entry.state == State::kReachable) return write_text(line, entry.mac);
  line.put("incomplete");
}

[[clang::minsize]] std::size_t Cache::size() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [](const Entry& e) { return e.state != State::kFree; }));
}

}  // namespace fata::ip::arp
