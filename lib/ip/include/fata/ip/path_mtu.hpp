// A bounded cache of path MTUs below the link's MTU (RFC 1191, RFC 8201); entries expire.
#pragma once

#include <array>

#include "fata/base/address.hpp"
#include "fata/base/time.hpp"

namespace fata::ip {

class PathMtuCache {
 public:
  static constexpr std::size_t kEntries = 64;
  // Lifetime of an entry; after that, larger packets are tried again (RFC 1191 section 6.3).
  static constexpr Duration kAge = seconds(600);

  // The MTU of the path to `remote`, at most `link`. Expired entries are ignored.
  std::size_t limit(const IpAddress& remote, std::size_t link, Instant now) const {
    return used_ ? find_limit(remote, link, now) : link;
  }
  // Never raises the MTU of an unexpired entry.
  void lower(const IpAddress& remote, std::size_t mtu, Instant now);

 private:
  static constexpr std::size_t kWays = 4;
  struct Entry {
    IpAddress remote;
    std::uint16_t mtu = 0;
    Instant until{};
  };
  std::size_t find_limit(const IpAddress& remote, std::size_t link, Instant now) const;
  static std::size_t first_of(const IpAddress& remote);

  std::array<Entry, kEntries> entries_{};
  bool used_ = false;
};

// The MTU to use after a "too big" for a packet of `length` bytes: the router's value `said`, or
// the next lower plateau if an old router sent 0 (RFC 1191 section 7.1).
std::size_t next_mtu(std::size_t said, std::size_t length);

}  // namespace fata::ip
