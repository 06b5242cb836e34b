// The neighbours of an interface and whether they can be reached (RFC 4861 section 7.3): a bounded
// table of state machines.
//
// A pure engine: it reports which solicitations to send and returns packets that waited.
#pragma once

#include <array>
#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"
#include "fata/base/time.hpp"
#include "fata/net/waiting.hpp"

namespace fata::net::ipv6 {

class Neighbours {
 public:
  static constexpr std::size_t kEntries = 128;
  static constexpr Duration kDelay = seconds(5);  // DELAY_FIRST_PROBE_TIME
  static constexpr unsigned kProbes = 3;          // MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT

  enum class State : std::uint8_t { kFree, kIncomplete, kReachable, kStale, kDelay, kProbe };

  // What a router may change (RFC 4861 section 6.3.4).
  Duration reachable_time = seconds(30);
  Duration retransmit = seconds(1);

  struct Lookup {
    bool known = false;    // send the packet to `mac`; otherwise it was taken and waits
    bool solicit = false;  // multicast a solicitation
    MacAddress mac{};
  };
  // Looks up the hardware address for sending `packet`, a complete IP packet, which waits within
  // the bounds of WaitingPackets.
  Lookup lookup(const IpAddress& address, PacketBuf& packet, Instant now);

  // The sender of a solicitation or of a router's message said its hardware address.
  void heard(const IpAddress& address, const MacAddress& mac, bool router, Instant now);
  struct Advertised {
    bool no_router_any_more = false;
  };
  // A neighbour advertisement (section 7.2.5).
  Advertised advertised(const IpAddress& address, const std::optional<MacAddress>& mac, bool router,
                        bool solicited, bool override_known, Instant now);
  // The oldest packet that waits for a neighbour whose hardware address has become known; false if
  // there is none. To be called until then after heard() and advertised().
  PacketBuf take(const IpAddress& address);
  // A transport had an answer.
  void confirm(const IpAddress& address, Instant now);
  State state(const IpAddress& address, Instant now) const;
  std::optional<MacAddress> mac_of(const IpAddress& address) const;

  Instant next_deadline() const { return next_deadline_; }
  // What is due: solicitations to send (unicast to a `mac`, or multicast), and packets whose
  // neighbour does not answer. `solicit(address, const MacAddress* mac)`, `failed(address,
  // std::span<PacketBuf> packets)`.
  template <class Solicit, class Failed>
  void tick(Instant now, Solicit solicit, Failed failed) {
    if (now < next_deadline_) return;
    next_deadline_ = Instant::never();
    for (Entry& entry : entries_) {
      switch (age(entry, now)) {
        case Due::kNothing:
          break;
        case Due::kMulticast:
          solicit(entry.address, static_cast<const MacAddress*>(nullptr));
          break;
        case Due::kUnicast:
          solicit(entry.address, &entry.mac);
          break;
        case Due::kFailed: {
          const IpAddress address = entry.address;
          [[clang::uninitialized]] std::array<PacketBuf, WaitingPackets::kPacketsEach> waited;
          const std::size_t count = entry.waiting.size();
          for (std::size_t i = 0; i < count; ++i) waited[i] = waiting_.pop(entry.waiting);
          entry = Entry{};
          failed(address, std::span(waited).first(count));
        }
      }
    }
  }

  std::size_t size() const;
  std::uint64_t dropped() const { return waiting_.dropped(); }  // packets that gave way to others
  void write_entry(TextWriter& line, std::size_t index, Instant now) const;

 private:
  enum class Due : std::uint8_t { kNothing, kMulticast, kUnicast, kFailed };
  struct Entry {
    IpAddress address;
    MacAddress mac;
    State state = State::kFree;
    std::uint8_t probes = 0;
    bool router = false;
    // kReachable: of its end; kDelay, kProbe, kIncomplete: of what is next; kStale: when.
    Instant deadline{};
    // it became so
    WaitingPackets::Queue waiting;
  };
  static constexpr std::size_t kWays = 8;

  std::span<Entry> set_of(const IpAddress& address);
  Entry* find(const IpAddress& address);
  const Entry* find(const IpAddress& address) const {
    return const_cast<Neighbours*>(this)->find(address);
  }
  Entry& make(const IpAddress& address);
  Due age(Entry& entry, Instant now);
  void enter(Entry& entry, State state, Instant now);
  void remind(Instant deadline) { next_deadline_ = std::min(next_deadline_, deadline); }

  WaitingPackets waiting_;
  std::array<Entry, kEntries> entries_;
  Instant next_deadline_ = Instant::never();
};

}  // namespace fata::net::ipv6
