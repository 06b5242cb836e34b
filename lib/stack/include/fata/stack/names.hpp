// Name servers, the domain and time servers that a stack learned from leases and routers: Names
// models sig::Names. An image that has no Names links none of this code.
#pragma once

#include <array>

#include "fata/ip/ipv6/engine.hpp"
#include "fata/sig/names.hpp"
#include "fata/sig/stack_port.hpp"
#include "fata/stack/part.hpp"

namespace fata::stack {

// The name servers, NTP servers and domain from leases (RFC 2132 options 6, 42 and 15).
std::size_t lease_name_servers(const Part* parts, std::span<IpAddress> out);
std::size_t lease_time_servers(const Part* parts, std::span<IpAddress> out);
bool write_lease_domain(const Part* parts, TextWriter& out);
// The name servers and domain from routers (RFC 8106), while their lifetimes last.
std::size_t router_name_servers(const ip::ipv6::Engine& v6, std::span<IpAddress> out, Instant now);
void write_router_domain(const ip::ipv6::Engine& v6, TextWriter& out);

template <sig::StackPort Stack, class... Ipv6>
class Names final {
 public:
  explicit Names(const Stack& stack, const Ipv6&... v6) : parts_(&stack), v6_{&v6.engine()...} {}

  // Servers from leases come first.
  std::size_t name_servers(std::span<IpAddress> out) const {
    std::size_t count = lease_name_servers(parts_->parts(), out);
    if constexpr (sizeof...(Ipv6) != 0)
      count += router_name_servers(*v6_[0], out.subspan(count), parts_->now());
    return count;
  }
  void write_domain(TextWriter& out) const {
    if (write_lease_domain(parts_->parts(), out)) return;
    if constexpr (sizeof...(Ipv6) != 0) write_router_domain(*v6_[0], out);
  }

  std::size_t time_servers(std::span<IpAddress> out) const {
    return lease_time_servers(parts_->parts(), out);
  }

 private:
  const Stack* parts_;
  std::array<const ip::ipv6::Engine*, sizeof...(Ipv6)> v6_;
};

}  // namespace fata::stack
