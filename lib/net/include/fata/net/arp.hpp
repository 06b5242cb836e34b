// ARP for IPv4 over Ethernet (RFC 826, RFC 1122 section 2.3.2): packets, and a bounded cache with
// ageing.
//
// The cache is a pure engine: it reports which requests to send and returns packets that waited.
#pragma once

#include <array>
#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"
#include "fata/base/time.hpp"
#include "fata/net/waiting.hpp"

namespace fata::net::arp {

inline constexpr std::size_t kPacketSize = 28;
inline constexpr std::uint16_t kRequest = 1;
inline constexpr std::uint16_t kReply = 2;

struct Packet {
  std::uint16_t operation = 0;
  MacAddress sender_mac;
  Ipv4Address sender;
  MacAddress target_mac;
  Ipv4Address target;

  // Refuses all but Ethernet/IPv4.
  static std::optional<Packet> parse(Bytes bytes);
  void write(MutableBytes to) const;  // kPacketSize bytes
};

class Cache {
 public:
  static constexpr std::size_t kEntries = 128;
  static constexpr Duration kReachable = seconds(300);  // how long an answer is good for
  static constexpr Duration kRefresh = seconds(30);     // before its end, a use asks again
  static constexpr Duration kRetry = seconds(1);        // between requests
  static constexpr Duration kDoubt = seconds(2);
  static constexpr unsigned kMaxRequests = 3;  // then the waiting packets are dropped

  enum class Next : std::uint8_t { kSend, kWait };
  struct Lookup {
    Next next = Next::kWait;
    MacAddress mac{};      // for kSend
    bool request = false;  // broadcast (kWait) or unicast (kSend: a refresh) a request
  };
  // Looks up the hardware address for sending `packet`. On kWait the packet (a complete IP packet)
  // is taken and kept within the bounds of WaitingPackets.
  Lookup lookup(Ipv4Address address, PacketBuf& packet, Instant now);

  // What an arriving ARP packet says of its sender. An entry is made only if `to_us`; an existing
  // one is updated anyhow. True if packets waited for it, which take() returns.
  bool learn(Ipv4Address address, const MacAddress& mac, bool to_us, Instant now);
  // The oldest packet that waits for that address, which is known now; false if there is none.
  PacketBuf take(Ipv4Address address);

  // What is known of the address may be wrong: it must be confirmed within kDoubt, by an answer to
  // the next use's request.
  void doubt(Ipv4Address address, Instant now);

  // The next moment at which tick() has something to do.
  Instant next_deadline() const { return next_deadline_; }
  // Ages the cache. `request(address)` is called for every address to ask for again.
  template <class F>
  void tick(Instant now, F request) {
    if (now < next_deadline_) return;
    next_deadline_ = Instant::never();
    for (Entry& entry : entries_) {
      if (age(entry, now)) request(entry.address);
    }
  }

  std::uint64_t dropped() const { return waiting_.dropped(); }  // packets that waited in vain
  std::size_t size() const;
  // "10.0.0.2 52:54:00:12:34:56"; nothing for a free place. `index` is below kEntries.
  void write_entry(TextWriter& line, std::size_t index) const;

 private:
  enum class State : std::uint8_t { kFree, kIncomplete, kReachable };
  struct Entry {
    Ipv4Address address;
    MacAddress mac;
    State state = State::kFree;
    std::uint8_t requests = 0;
    Instant deadline{};      // kIncomplete: of the next request; kReachable: of its end
    Instant last_request{};  // of a refresh
    WaitingPackets::Queue waiting;
  };
  static constexpr std::size_t kWays = 8;  // an address may sit in any of the places of its set

  std::span<Entry> set_of(Ipv4Address address);
  Entry* find(Ipv4Address address);
  Entry& make(Ipv4Address address);  // evicts the entry of the set that ends first
  bool age(Entry& entry, Instant now);
  void remind(Instant deadline) { next_deadline_ = std::min(next_deadline_, deadline); }

  WaitingPackets waiting_;
  std::array<Entry, kEntries> entries_;
  Instant next_deadline_ = Instant::never();
};

}  // namespace fata::net::arp
