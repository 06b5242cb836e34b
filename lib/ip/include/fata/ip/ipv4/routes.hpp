// The IPv4 routing table: longest prefix first, over all interfaces.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "fata/base/address.hpp"

namespace fata::ip::ipv4 {

struct Route {
  enum class Origin : std::uint8_t { kConnected, kStatic, kDhcp };
  Ipv4Cidr to;          // the host bits are 0
  Ipv4Address gateway;  // 0.0.0.0: on the link
  std::uint8_t interface = 0;
  Origin origin = Origin::kStatic;
};

class Routes {
 public:
  static constexpr std::size_t kMax = 32;

  // Replaces a route with the same prefix, interface and origin. False if the table is full.
  bool add(Route route);
  // False if there is no such route.
  bool remove(const Ipv4Cidr& to, std::uint8_t interface, Route::Origin origin);
  // The route with the longest prefix; among equals, the one added first.
  const Route* find(Ipv4Address address) const {
    for (const Route& route : all()) {
      if (route.to.contains(address)) return &route;
    }
    return nullptr;
  }
  // Whether find() can return the address as a next hop on that interface: it is in an on-link
  // network or is a gateway. ARP learns only these addresses.
  bool is_neighbour(Ipv4Address address, std::uint8_t interface) const;
  std::span<const Route> all() const { return std::span(routes_).first(used_); }

 private:
  std::array<Route, kMax> routes_{};  // in descending order of prefix length
  std::size_t used_ = 0;
};

}  // namespace fata::ip::ipv4
