#include "fata/ip/ipv6/neighbours.hpp"

#include <algorithm>

namespace fata::ip::ipv6 {

std::span<Neighbours::Entry> Neighbours::set_of(const IpAddress& address) {
  const Bytes octets(address.octets());
  const std::uint64_t mixed =
      (load_be<std::uint64_t>(octets) ^ load_be<std::uint64_t>(octets.subspan(8))) *
      std::uint64_t{0x9e3779b97f4a7c15};
  return std::span(entries_).subspan((mixed >> 60) * kWays, kWays);
}

Neighbours::Entry* Neighbours::find(const IpAddress& address) {
  for (Entry& entry : set_of(address)) {
    if (entry.state != State::kFree && entry.address == address) return &entry;
  }
  return nullptr;
}

// Evicts unresolved entries first: remote attackers can make us solicit addresses that do not exist
// (RFC 6583).
[[clang::minsize]] Neighbours::Entry& Neighbours::make(const IpAddress& address) {
  Entry* victim = nullptr;
  const auto worth = [](const Entry& entry) {
    return entry.state == State::kFree ? 0 : entry.state == State::kIncomplete ? 1 : 2;
  };
  for (Entry& entry : set_of(address)) {
    if (victim == nullptr || worth(entry) < worth(*victim) ||
        (worth(entry) == worth(*victim) && entry.deadline < victim->deadline)) {
      victim = &entry;
    }
  }
  waiting_.drop(victim->waiting);
  *victim = Entry{};
  victim->address = address;
  return *victim;
}

[[clang::minsize]] void Neighbours::enter(Entry& entry, State state, Instant now) {
  entry.state = state;
  entry.probes = 0;
  switch (state) {
    case State::kReachable:
      entry.deadline = now + reachable_time;
      return;  // checked on use
    case State::kDelay:
      entry.deadline = now + kDelay;
      break;
    case State::kIncomplete:
    case State::kProbe:
      entry.deadline = now + retransmit;
      entry.probes = 1;
      break;
    default:
      entry.deadline = now;
      return;
  }
  remind(entry.deadline);
}

[[clang::minsize]] PacketBuf Neighbours::take(const IpAddress& address) {
  Entry* const entry = find(address);
  return entry == nullptr || entry->state == State::kIncomplete ? PacketBuf()
                                                                : waiting_.pop(entry->waiting);
}

Neighbours::Lookup Neighbours::lookup(const IpAddress& address, PacketBuf& packet, Instant now) {
  Entry* entry = find(address);
  if (entry != nullptr && entry->state != State::kIncomplete) [[likely]] {
    if (entry->state == State::kStale ||
        (entry->state == State::kReachable && entry->deadline <= now)) {
      enter(*entry, State::kDelay, now);
    }
    return {true, false, entry->mac};
  }
  Lookup asked;
  if (entry == nullptr) {
    entry = &make(address);
    enter(*entry, State::kIncomplete, now);
    asked.solicit = true;
  }
  waiting_.push(entry->waiting, std::move(packet));
  return asked;
}

void Neighbours::heard(const IpAddress& address, const MacAddress& mac, bool router, Instant now) {
  Entry* entry = find(address);
  if (entry == nullptr) entry = &make(address);
  if (router) entry->router = true;
  if (entry->state == State::kFree || entry->state == State::kIncomplete || entry->mac != mac) {
    entry->mac = mac;
    enter(*entry, State::kStale, now);
  }
}

Neighbours::Advertised Neighbours::advertised(const IpAddress& address,
                                              const std::optional<MacAddress>& mac, bool router,
                                              bool solicited, bool override_known, Instant now) {
  Entry* const entry = find(address);
  if (entry == nullptr) return {};  // unsolicited and unknown
  if (entry->state == State::kIncomplete) {
    if (!mac) return {};
    entry->mac = *mac;
    entry->router = router;
    enter(*entry, solicited ? State::kReachable : State::kStale, now);
    return {};
  }
  const bool other = mac && *mac != entry->mac;
  if (other && !override_known) {
    if (entry->state == State::kReachable) enter(*entry, State::kStale, now);
    return {};
  }
  if (other) entry->mac = *mac;
  if (solicited) {
    enter(*entry, State::kReachable, now);
  } else if (other) {
    enter(*entry, State::kStale, now);
  }
  Advertised result;
  result.no_router_any_more = entry->router && !router;
  entry->router = router;
  return result;
}

[[clang::minsize]] void Neighbours::confirm(const IpAddress& address, Instant now) {
  Entry* const entry = find(address);
  if (entry != nullptr && entry->state != State::kIncomplete) enter(*entry, State::kReachable, now);
}

[[clang::minsize]] Neighbours::State Neighbours::state(const IpAddress& address,
                                                       Instant now) const {
  const Entry* const entry = find(address);
  if (entry == nullptr) return State::kFree;
  if (entry->state == State::kReachable && entry->deadline <= now) return State::kStale;
  return entry->state;
}

std::optional<MacAddress> Neighbours::mac_of(const IpAddress& address) const {
  const Entry* const entry = find(address);
  if (entry == nullptr || entry->state == State::kIncomplete) return std::nullopt;
  return entry->mac;
}

[[clang::minsize]] Neighbours::Due Neighbours::age(Entry& entry, Instant now) {
  Due due = Due::kNothing;
  switch (entry.state) {
    case State::kFree:
    case State::kStale:
    case State::kReachable:
      return due;
    case State::kDelay:
      if (now < entry.deadline) break;
      enter(entry, State::kProbe, now);
      return Due::kUnicast;
    case State::kIncomplete:
    case State::kProbe:
      if (now < entry.deadline) break;
      if (entry.probes >= kProbes) return Due::kFailed;
      due = entry.state == State::kProbe ? Due::kUnicast : Due::kMulticast;
      ++entry.probes;
      entry.deadline = now + retransmit;
  }
  remind(entry.deadline);
  return due;
}

[[clang::minsize]] std::size_t Neighbours::size() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      entries_, [](const Entry& entry) { return entry.state != State::kFree; }));
}

[[clang::minsize]] void Neighbours::write_entry(TextWriter& line, std::size_t index,
                                                Instant now) const {
  const Entry& entry = entries_[index];
  if (entry.state == State::kFree) return;
  static constexpr std::array<std::string_view, 6> kNames{"",      "incomplete", "reachable",
                                                          "stale", "delay",      "probe"};
  print(line, entry.address, ' ');
  if (entry.state != State::kIncomplete) print(line, entry.mac, entry.router ? " router " : " ");
  line.put(kNames[static_cast<std::size_t>(state(entry.address, now))]);
}

}  // namespace fata::ip::ipv6
