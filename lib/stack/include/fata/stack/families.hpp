// IPv4 and IPv6 of a stack. An image without one of them links none of its code.
#pragma once

#include "fata/ip/ipv4/engine.hpp"
#include "fata/ip/ipv6/engine.hpp"
#include "fata/sig/stack_port.hpp"

namespace fata::stack {

template <sig::StackPort Stack>
class Ipv4 final {
 public:
  explicit Ipv4(Stack& stack) : engine_({stack.secret()}) { stack.host().attach_v4(engine_); }
  ip::ipv4::Engine& engine() { return engine_; }
  const ip::ipv4::Engine& engine() const { return engine_; }

 private:
  ip::ipv4::Engine engine_;
};

template <sig::StackPort Stack>
class Ipv6 final {
 public:
  explicit Ipv6(Stack& stack) : engine_({stack.secret()}) { stack.host().attach_v6(engine_); }
  ip::ipv6::Engine& engine() { return engine_; }
  const ip::ipv6::Engine& engine() const { return engine_; }

 private:
  ip::ipv6::Engine engine_;
};

}  // namespace fata::stack
