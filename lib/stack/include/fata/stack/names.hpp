// Name servers and the domain that a stack learned from leases and routers: Names<Stack> models
// sig::Names. An image that has no Names links none of this code.
#pragma once

#include "fata/sig/names.hpp"
#include "fata/stack/more_cards.hpp"
#include "fata/stack/stack_core.hpp"

namespace fata::stack {

// The name servers and domain from leases (RFC 2132 options 6 and 15).
std::size_t lease_name_servers(const StackCore& core, std::span<IpAddress> out);
bool write_lease_domain(const StackCore& core, TextWriter& out);
// The name servers and domain from routers (RFC 8106), while their lifetimes last.
std::size_t router_name_servers(const net::ipv6::Engine& v6, std::span<IpAddress> out, Instant now);
void write_router_domain(const net::ipv6::Engine& v6, TextWriter& out);

template <class Stack>
class Names final {
 public:
  explicit Names(Stack& stack) : stack_(&stack) {}

  // Servers from leases come first.
  std::size_t name_servers(std::span<IpAddress> out) const {
    std::size_t count = lease_name_servers(stack_->core(), out);
    if constexpr (HasIpv6<Stack>) {
      count += router_name_servers(stack_->v6(), out.subspan(count), async::current_loop().now());
    }
    return count;
  }
  void write_domain(TextWriter& out) const {
    if (write_lease_domain(stack_->core(), out)) return;
    if constexpr (HasIpv6<Stack>) write_router_domain(stack_->v6(), out);
  }

 private:
  Stack* stack_;
};

}  // namespace fata::stack
