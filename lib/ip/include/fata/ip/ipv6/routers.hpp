// Next hops of IPv6 packets (RFC 4861 section 5): on-link prefixes, default routers, static routes,
// redirects. Bounded lists.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/time.hpp"

namespace fata::ip::ipv6 {

class Routers {
 public:
  static constexpr std::size_t kRouters = 8;
  static constexpr std::size_t kPrefixes = 16;
  static constexpr std::size_t kRoutes = 16;
  static constexpr std::size_t kRedirects = 32;
  // Lifetime of a redirect, so that stale entries of the list do not persist.
  static constexpr Duration kRedirectAge = seconds(600);

  enum class Preference : std::uint8_t { kLow, kMedium, kHigh };  // RFC 4191
  struct Router {
    IpAddress address;
    std::uint8_t interface = 0;
    Preference preference = Preference::kMedium;
    bool silent = false;  // it did not answer; others are tried first
    Instant until{};
  };
  struct Prefix {
    Ipv6Cidr cidr;
    std::uint8_t interface = 0;
    Instant until{};
  };
  struct Route {
    Ipv6Cidr to;
    IpAddress gateway;
    std::uint8_t interface = 0;
  };
  struct Redirect {
    IpAddress destination;
    IpAddress hop;
    std::uint8_t interface = 0;
    Instant until{};
  };

  // Adds an advertised router; an expired lifetime removes it. In a full list, the entry that
  // expires first is replaced.
  void advertised(const Router& router, Instant now);
  void silent(const IpAddress& address, std::uint8_t interface, bool silent);
  void forget(const IpAddress& address, std::uint8_t interface);
  bool is_router(const IpAddress& address, std::uint8_t interface) const;

  // A prefix is on-link until `until`; a time in the past removes it.
  void on_link(const Prefix& prefix, Instant now);
  // Whether find() can return the address as a next hop on that interface: it is in an on-link
  // prefix or route, or it is a gateway, a router or a redirect's target.
  bool is_neighbour(const IpAddress& address, std::uint8_t interface, Instant now) const;

  bool add(const Route& route);
  bool remove(const Ipv6Cidr& to, std::uint8_t interface);
  void redirected(const Redirect& redirect, Instant now);

  struct Hop {
    std::uint8_t interface = 0;
    IpAddress address;
  };
  // For a unicast address that is not link-local.
  std::optional<Hop> find(const IpAddress& to, Instant now) const;

  std::span<const Router> routers() const { return std::span(routers_).first(router_count_); }
  std::span<const Prefix> prefixes() const { return std::span(prefixes_).first(prefix_count_); }
  std::span<const Route> routes() const { return std::span(routes_).first(route_count_); }
  // Removes expired entries.
  void age(Instant now);

 private:
  std::array<Router, kRouters> routers_{};
  std::array<Prefix, kPrefixes> prefixes_{};
  std::array<Route, kRoutes> routes_{};  // in descending order of prefix length
  std::array<Redirect, kRedirects> redirects_{};
  std::size_t router_count_ = 0, prefix_count_ = 0, route_count_ = 0, redirect_count_ = 0;
};

}  // namespace fata::ip::ipv6
