// Recently sent packets, to validate ICMP errors. UDP and echo replies keep no other state, so
// without this table anyone could forge an error for a packet that was never sent.
#pragma once

#include <array>

#include "fata/base/address.hpp"
#include "fata/base/time.hpp"

namespace fata::ip {

class RecentSends {
 public:
  // 16 sets of 4, by the remote address. A new packet replaces the oldest of its set; a later error
  // about the replaced packet is refused.
  static constexpr std::size_t kEntries = 64;
  // Longer than any path takes to return an error, or a router tries to resolve a neighbour.
  static constexpr Duration kAge = seconds(10);

  struct Sent {
    IpAddress local;
    IpAddress remote;
    std::uint16_t a = 0;  // ports, or an echo's identifier and sequence number
    std::uint16_t b = 0;
    std::uint16_t length = 0;  // of the transport's header and data; at least 1
    friend bool operator==(const Sent&, const Sent&) = default;
  };

  void note(const Sent& sent, Instant now);
  // The length of a recent packet that matches `like`, or 0 if there is none. A nonzero
  // `like.length` must match exactly.
  std::uint16_t find(const Sent& like, Instant now) const;

 private:
  static constexpr std::size_t kWays = 4;
  struct Entry {
    Sent sent;
    Instant at{};
  };
  static std::size_t set_of(const IpAddress& remote);

  std::array<Entry, kEntries> entries_{};
};

}  // namespace fata::ip
