// The name servers of a resolver: what is known about each, and which one to query next.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/time.hpp"

namespace fata::resolver {

inline constexpr std::size_t kMaxServers = 8;
// A set of servers, one bit each.
using ServerSet = std::uint8_t;

struct Server {
  Endpoint at;
  // The smoothed response time, raised by timeouts and lowered a little whenever another server is
  // chosen, so that a server that was slow is tried again.
  Duration score{};
  bool no_edns = false;        // rejects EDNS
  bool keeps_no_case = false;  // does not return a name in the case of the query
  std::uint16_t timeouts = 0;  // consecutive
};

class Servers {
 public:
  // Keeps what is known about servers that stay. More than kMaxServers are ignored. Returns false
  // if nothing changed.
  bool set(std::span<const Endpoint> servers);
  std::size_t count() const { return count_; }
  Server* find(const Endpoint& at);
  // The fastest server that is in neither set.
  std::optional<std::size_t> choose(ServerSet without);
  Server& operator[](std::size_t index) { return servers_[index]; }
  std::size_t index_of(const Server& server) const {
    return static_cast<std::size_t>(&server - servers_.data());
  }

  // How long to wait for a server's answer before another one is queried.
  static Duration timeout(const Server& server);
  static void answered(Server& server, Duration after);
  static void timed_out(Server& server);

 private:
  std::array<Server, kMaxServers> servers_{};
  std::size_t count_ = 0;
};

}  // namespace fata::resolver
