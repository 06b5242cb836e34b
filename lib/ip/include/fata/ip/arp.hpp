// The cache of ARP (RFC 826, RFC 1122 section 2.3.2): bounded, and its entries age.
//
// The cache is a pure engine: it returns the requests to send and the packets that waited for an
// address.
#pragma once

#include <array>
#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"
#include "fata/base/time.hpp"
#include "fata/ip/waiting.hpp"
#include "fata/wire/arp.hpp"

namespace fata::ip::arp {

class Cache {
 public:
  static constexpr std::size_t kEntries = 128;
  static constexpr Duration kReachable = seconds(300);  // lifetime of an answer
  // A lookup in this last part of the lifetime requests a refresh.
  static constexpr Duration kRefresh = seconds(30);
  static constexpr Duration kRetry = seconds(1);  // between requests
  // Time for which an address stays usable after doubt() without an answer.
  static constexpr Duration kDoubt = seconds(2);
  static constexpr unsigned kMaxRequests = 3;  // then the waiting packets are dropped

  enum class Next : std::uint8_t { kSend, kWait };
  struct Lookup {
    Next next = Next::kWait;
    MacAddress mac{};      // for kSend
    bool request = false;  // broadcast (kWait) or unicast (kSend: a refresh) a request
  };
  // Looks up the hardware address for sending `packet`. On kWait, the cache takes the packet (a
  // complete IP packet) and keeps it within the bounds of WaitingPackets.
  Lookup lookup(Ipv4Address address, PacketBuf& packet, Instant now);

  // Learns the sender of a received ARP packet. A new entry is made only if `to_us`; an existing
  // entry is always updated. True if packets were waiting for the address: fetch them with take().
  bool learn(Ipv4Address address, const MacAddress& mac, bool to_us, Instant now);
  // The oldest packet waiting for that address, which is now resolved; false if there is none.
  PacketBuf take(Ipv4Address address);

  // Marks the entry as suspect: the next use sends a request, and the entry ends unless it is
  // confirmed within kDoubt.
  void doubt(Ipv4Address address, Instant now);

  // The next time tick() has work to do.
  Instant next_deadline() const { return next_deadline_; }
  // Ages the cache. Calls `request(address)` for every address to request again.
  template <class F>
  void tick(Instant now, F request) {
    if (now < next_deadline_) return;
    next_deadline_ = Instant::never();
    for (Entry& entry : entries_) {
      if (age(entry, now)) request(entry.address);
    }
  }

  std::uint64_t dropped() const { return waiting_.dropped(); }  // packets dropped while waiting
  std::size_t size() const;
  // "10.0.0.2 52:54:00:12:34:56"; nothing for a free entry. `index` is below kEntries.
  void write_entry(TextWriter& line, std::size_t index) const;

 private:
  enum class State : std::uint8_t { kFree, kIncomplete, kReachable };
  struct Entry {
    Ipv4Address address;
    MacAddress mac;
    State state = State::kFree;
    std::uint8_t requests = 0;
    Instant deadline{};      // kIncomplete: the next request; kReachable: the end of the lifetime
    Instant last_request{};  // of the last refresh
    WaitingPackets::Queue waiting;
  };
  static constexpr std::size_t kWays = 8;  // associativity: entries in a set

  std::span<Entry> set_of(Ipv4Address address);
  Entry* find(Ipv4Address address);
  Entry& make(Ipv4Address address);  // evicts the set's entry that ends first
  bool age(Entry& entry, Instant now);
  void remind(Instant deadline) { next_deadline_ = std::min(next_deadline_, deadline); }

  WaitingPackets waiting_;
  std::array<Entry, kEntries> entries_;
  Instant next_deadline_ = Instant::never();
};

}  // namespace fata::ip::arp
