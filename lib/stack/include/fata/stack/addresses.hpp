// Addresses of interfaces from the command line.
#pragma once

#include "fata/base/log.hpp"
#include "fata/net/ipv4/engine.hpp"
#include "fata/net/ipv6/engine.hpp"
#include "fata/net/ipv6/setup.hpp"
#include "fata/sig/stack_port.hpp"

namespace fata::stack {

// Assigns the address to the interface, adds the default route if the gateway is not "any", and
// logs both, with warnings about likely mistakes.
void use_address(const Logger& log, net::ipv4::Engine& v4, net::Interface& on, Instant now,
                 const Ipv4Cidr& address, Ipv4Address gateway);
void use_address(const Logger& log, net::ipv6::Engine& v6, net::Interface& on, Instant now,
                 const net::ipv6::Setup& setup, const net::ipv6::Gateway& gateway);
// The same for an interface that has no gateway of its own; the log names its number.
void use_address(const Logger& log, net::ipv4::Engine& v4, net::Interface& on, Instant now,
                 const Ipv4Cidr& address);
void use_address(const Logger& log, net::ipv6::Engine& v6, net::Interface& on, Instant now,
                 const net::ipv6::Setup& setup);

// An address of an interface, as a device of a plan.
template <sig::StackPort Stack, class Family, class Interface>
class Address final {
 public:
  template <class... Setup>
  Address(Stack& stack, Family& family, Interface& on, const Setup&... setup) {
    use_address(stack.log(), family.engine(), on.interface(), stack.now(), setup...);
    stack.flush();
  }
};

}  // namespace fata::stack
