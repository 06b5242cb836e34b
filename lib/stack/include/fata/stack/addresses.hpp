// Addresses of interfaces from the command line.
#pragma once

#include "fata/base/log.hpp"
#include "fata/ip/ipv4/engine.hpp"
#include "fata/ip/ipv6/engine.hpp"
#include "fata/ip/ipv6/setup.hpp"
#include "fata/sig/stack_port.hpp"

namespace fata::stack {

// Assigns the address to the interface, adds the default route if the gateway is not "any", and
// logs both, with warnings about likely mistakes.
void use_address(const Logger& log, ip::ipv4::Engine& v4, ip::Interface& on, Instant now,
                 const Ipv4Cidr& address, Ipv4Address gateway);
void use_address(const Logger& log, ip::ipv6::Engine& v6, ip::Interface& on, Instant now,
                 const ip::ipv6::Setup& setup, const ip::ipv6::Gateway& gateway);
// The same for an interface that has no gateway of its own; the log names its number.
void use_address(const Logger& log, ip::ipv4::Engine& v4, ip::Interface& on, Instant now,
                 const Ipv4Cidr& address);
void use_address(const Logger& log, ip::ipv6::Engine& v6, ip::Interface& on, Instant now,
                 const ip::ipv6::Setup& setup);

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
