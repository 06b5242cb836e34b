// What is known of paths that carry less than the link (RFC 1191, RFC 8201): a bounded cache that
// forgets.
#pragma once

#include <array>

#include "fata/base/address.hpp"
#include "fata/base/time.hpp"

namespace fata::net {

class PathMtuCache {
 public:
  static constexpr std::size_t kEntries = 64;
  // After that the path may carry more again (RFC 1191 section 6.3).
  static constexpr Duration kAge = seconds(600);

  // The most that the path to `remote` carries, at most `link`. Expired entries are none.
  std::size_t limit(const IpAddress& remote, std::size_t link, Instant now) const {
    return used_ ? find_limit(remote, link, now) : link;
  }
  // Only ever lowers what is known and not expired.
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

}  // namespace fata::net
