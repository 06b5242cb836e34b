// The IPv4 routing table: longest prefix first, over all interfaces.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "fata/base/address.hpp"

namespace fata::net::ipv4 {

struct Route {
  enum class Origin : std::uint8_t { kConnected, kStatic, kDhcp };
  Ipv4Cidr to;          // the address' bits behind the prefix are 0
  Ipv4Address gateway;  // 0.0.0.0: on the link
  std::uint8_t interface = 0;
  Origin origin = Origin::kStatic;
};

class Routes {
 public:
  static constexpr std::size_t kMost = 32;

  // Takes the place of a route with the same prefix, interface and origin. False if the table is
  // full.
  bool add(Route route);
  // False if there was none.
  bool remove(const Ipv4Cidr& to, std::uint8_t interface, Route::Origin origin);
  // The route with the longest prefix; of equals the one added first.
  const Route* find(Ipv4Address address) const {
    for (const Route& route : all()) {
      if (route.to.contains(address)) return &route;
    }
    return nullptr;
  }
  // Whether find() can name the address as a next hop on that interface: it is in a network on the
  // link, or a gateway. ARP learns these addresses and no others.
  bool is_neighbour(Ipv4Address address, std::uint8_t interface) const;
  std::span<const Route> all() const { return std::span(routes_).first(used_); }

 private:
  std::array<Route, kMost> routes_{};  // by falling prefix length
  std::size_t used_ = 0;
};

}  // namespace fata::net::ipv4
