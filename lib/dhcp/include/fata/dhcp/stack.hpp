// Stack<Net> and Ipv4Stack<Net>: the stacks of fata::net with an IPv4 address that is static or
// comes from DHCP. They have the same interface.
#pragma once

#include <memory>
#include <optional>

#include "fata/dhcp/driver.hpp"
#include "fata/dhcp/setup.hpp"
#include "fata/stack/stack.hpp"

namespace fata::dhcp {

template <class Inner, sig::NetDevice Net, sig::Random Random>
class BasicStack {
 public:
  BasicStack(async::Context& context, Net& net, const SipKey& secret, stack::Vlan vlan = {})
      : stack_(context, net, secret, vlan) {}

  // Starts the stack's tasks and waits for an address, but not indefinitely.
  static async::Task<Result<std::unique_ptr<BasicStack>>> connect(
      async::Context& context, Net& net, Random& random, Setup v4, Ipv4Address v4_gateway,
      net::ipv6::Setup v6, net::ipv6::Gateway v6_gateway, HostName host_name = {},
      bool probe = true, stack::Vlan vlan = {}) {
    auto made = std::make_unique<BasicStack>(context, net, Inner::secret_from(random), vlan);
    made->stack_.use_ipv6(v6, v6_gateway.address);
    made->use_ipv4(random, v4, v4_gateway, {host_name, probe});
    return with_address(std::move(made), context.stop);
  }
  static async::Task<Result<std::unique_ptr<BasicStack>>> connect(
      async::Context& context, Net& net, Random& random, Setup v4, Ipv4Address gateway,
      HostName host_name = {}, bool probe = true, stack::Vlan vlan = {}) {
    auto made = std::make_unique<BasicStack>(context, net, Inner::secret_from(random), vlan);
    made->use_ipv4(random, v4, gateway, {host_name, probe});
    return with_address(std::move(made), context.stop);
  }

  decltype(auto) udp() { return stack_.udp(); }
  decltype(auto) tcp() { return stack_.tcp(); }
  stack::StackCore& core() { return stack_.core(); }
  net::ipv4::Engine& v4() { return stack_.v4(); }
  net::ipv6::Engine& v6()
    requires requires(Inner& inner) { inner.v6(); }
  {
    return stack_.v6();
  }
  Inner& stack() { return stack_; }
  // Null if the address is static.
  const Driver* dhcp() const { return driver_ ? &*driver_ : nullptr; }
  Driver* dhcp() { return driver_ ? &*driver_ : nullptr; }

 private:
  void use_ipv4(Random& random, Setup v4, Ipv4Address gateway, Options options) {
    if (!v4.dhcp) return stack_.use_ipv4(v4.address, gateway);
    driver_.emplace(stack_.core(), stack_.v4(), stack_.interface(), Inner::secret_from(random),
                    options);
  }
  static async::Task<Result<std::unique_ptr<BasicStack>>> with_address(
      std::unique_ptr<BasicStack> made, async::CancelToken stop) {
    if (made->driver_) co_await made->driver_->wait(async::Wait::cancelled_by(stop));
    co_return made;
  }

  Inner stack_;
  std::optional<Driver> driver_;
};

template <sig::NetDevice Net, sig::Random Random = stack::PlatformRandom>
using Stack = BasicStack<stack::Stack<Net, Random>, Net, Random>;
template <sig::NetDevice Net, sig::Random Random = stack::PlatformRandom>
using Ipv4Stack = BasicStack<stack::Ipv4Stack<Net, Random>, Net, Random>;

}  // namespace fata::dhcp
