// The neighbours of an interface and their reachability (RFC 4861 section 7.3): a bounded table of
// state machines.
//
// A pure engine: it returns the solicitations to send and the packets that waited for an address.
#pragma once

#include <array>
#include <optional>

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"
#include "fata/base/time.hpp"
#include "fata/ip/waiting.hpp"

namespace fata::ip::ipv6 {

class Neighbours {
 public:
  static constexpr std::size_t kEntries = 128;
  static constexpr Duration kDelay = seconds(5);  // DELAY_FIRST_PROBE_TIME
  static constexpr unsigned kProbes = 3;          // MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT

  enum class State : std::uint8_t { kFree, kIncomplete, kReachable, kStale, kDelay, kProbe };

  // Routers may change these (RFC 4861 section 6.3.4).
  Duration reachable_time = seconds(30);
  Duration retransmit = seconds(1);

  struct Lookup {
    bool known = false;    // send the packet to `mac`; otherwise it was taken and waits
    bool solicit = false;  // multicast a solicitation
    MacAddress mac{};
  };
  // Looks up the hardware address for sending `packet`, a complete IP packet. An unresolved packet
  // waits within the bounds of WaitingPackets.
  Lookup lookup(const IpAddress& address, PacketBuf& packet, Instant now);

  // Learns a hardware address from the sender of a solicitation or of a router's message.
  void heard(const IpAddress& address, const MacAddress& mac, bool router, Instant now);
  struct Advertised {
    bool no_router_any_more = false;
  };
  // Handles a neighbour advertisement (section 7.2.5).
  Advertised advertised(const IpAddress& address, const std::optional<MacAddress>& mac, bool router,
                        bool solicited, bool override_known, Instant now);
  // The oldest packet waiting for a neighbour that is now resolved; false if there is none. Call it
  // until empty after heard() and advertised().
  PacketBuf take(const IpAddress& address);
  // A transport received a reply from the neighbour.
  void confirm(const IpAddress& address, Instant now);
  State state(const IpAddress& address, Instant now) const;
  std::optional<MacAddress> mac_of(const IpAddress& address) const;

  Instant next_deadline() const { return next_deadline_; }
  // Handles everything due. Calls `solicit(address, const MacAddress* mac)` for each solicitation
  // to send, unicast to `mac` or, if that is null, multicast; and `failed(address,
  // std::span<PacketBuf> packets)` with the packets of each neighbour that does not answer.
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
  std::uint64_t dropped() const { return waiting_.dropped(); }  // packets dropped at a bound
  void write_entry(TextWriter& line, std::size_t index, Instant now) const;

 private:
  enum class Due : std::uint8_t { kNothing, kMulticast, kUnicast, kFailed };
  struct Entry {
    IpAddress address;
    MacAddress mac;
    State state = State::kFree;
    std::uint8_t probes = 0;
    bool router = false;
    // kReachable: the end of reachability; kDelay, kProbe, kIncomplete: the next step; kStale: when
    // it became stale.
    Instant deadline{};
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

}  // namespace fata::ip::ipv6
