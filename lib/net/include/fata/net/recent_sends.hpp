// What was sent of late, to tell an ICMP error about it from one that quotes what was never sent:
// where nothing is kept of a packet (UDP, answers to echo requests), anybody could make one up.
#pragma once

#include <array>

#include "fata/base/address.hpp"
#include "fata/base/time.hpp"

namespace fata::net {

class RecentSends {
 public:
  // 16 sets of 4, by the remote address. A newer packet takes the place of the oldest of its set:
  // an error that comes after that is refused.
  static constexpr std::size_t kEntries = 64;
  // Longer than any path takes to answer with an error, and than a router asks for a neighbour.
  static constexpr Duration kAge = seconds(10);

  struct Sent {
    IpAddress local;
    IpAddress remote;
    std::uint16_t a = 0;  // ports, or an echo's identifier and number
    std::uint16_t b = 0;
    std::uint16_t length = 0;  // of the transport's header and data; at least 1
    friend bool operator==(const Sent&, const Sent&) = default;
  };

  void note(const Sent& sent, Instant now);
  // The length of what was sent as `like` shows, with exactly its length unless that is 0; 0 if
  // nothing was.
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

}  // namespace fata::net
