// One stack on several interfaces: WithCard<Net, Stack> adds an interface to a stack, and
// WithRoutes<Stack> adds the routes from a parameter. Each offers everything that the inner stack
// offers, and is destroyed before it. A stack without these wrappers links none of this code.
//
//   WithRoutes<WithCard<Net, Stack<Net>>>    two interfaces; --ipv4, --ipv4-1, --route
#pragma once

#include <memory>

#include "fata/async/context.hpp"
#include "fata/base/parameters.hpp"
#include "fata/net/ipv4/engine.hpp"
#include "fata/net/ipv6/engine.hpp"
#include "fata/net/ipv6/setup.hpp"
#include "fata/stack/device_driver.hpp"
#include "fata/stack/static_route.hpp"
#include "fata/stack/vlan.hpp"

namespace fata::stack {

template <class Stack>
concept HasIpv6 = requires(Stack& stack) { stack.v6(); };

// The device must outlive the stack, because the stack's packets may lie in the device's memory.
template <sig::NetDevice Net, class Inner>
class WithCard final {
 public:
  WithCard(Net& net, Inner& inner, Vlan vlan = {})
      : inner_(&inner), device_(inner.core(), net, vlan.id) {}
  ~WithCard() {
    interface().detach();
    core().host().set_full(interface(), false);
  }

  static async::Task<Result<std::unique_ptr<WithCard>>> connect(async::Context&, Net& net,
                                                                Inner& inner, Ipv4Cidr v4,
                                                                net::ipv6::Setup v6, Vlan vlan = {})
    requires HasIpv6<Inner>
  {
    auto made = std::make_unique<WithCard>(net, inner, vlan);
    use_address(made->core(), made->v4(), made->interface(), v4);
    use_address(made->core(), made->v6(), made->interface(), v6);
    return async::ready(Result<std::unique_ptr<WithCard>>(std::move(made)));
  }
  static async::Task<Result<std::unique_ptr<WithCard>>> connect(async::Context&, Net& net,
                                                                Inner& inner, Ipv4Cidr v4,
                                                                Vlan vlan = {})
    requires(!HasIpv6<Inner>)
  {
    auto made = std::make_unique<WithCard>(net, inner, vlan);
    use_address(made->core(), made->v4(), made->interface(), v4);
    return async::ready(Result<std::unique_ptr<WithCard>>(std::move(made)));
  }

  decltype(auto) udp() { return inner_->udp(); }
  decltype(auto) tcp() { return inner_->tcp(); }
  StackCore& core() { return inner_->core(); }
  net::ipv4::Engine& v4() { return inner_->v4(); }
  net::ipv6::Engine& v6()
    requires HasIpv6<Inner>
  {
    return inner_->v6();
  }
  // The interface that this wrapper adds.
  net::Interface& interface() { return device_.interface(); }

 private:
  Inner* inner_;
  DeviceDriver<Net> device_;
};

template <class Inner>
class WithRoutes final {
 public:
  explicit WithRoutes(Inner& inner) : inner_(&inner) {}

  // On failure, the error's detail is the number of the invalid route; the first is 1.
  template <std::size_t N>
  static async::Task<Result<std::unique_ptr<WithRoutes>>> connect(
      async::Context&, Inner& inner, ParameterList<StaticRoute, N> routes) {
    std::uint32_t number = 0;
    for (const StaticRoute& each : routes.items()) {
      if (const Result<void> added = add(inner, each, ++number); !added)
        return async::ready(Result<std::unique_ptr<WithRoutes>>(fail(added.error())));
    }
    return async::ready(Result<std::unique_ptr<WithRoutes>>(std::make_unique<WithRoutes>(inner)));
  }

  decltype(auto) udp() { return inner_->udp(); }
  decltype(auto) tcp() { return inner_->tcp(); }
  StackCore& core() { return inner_->core(); }
  net::ipv6::Engine& v6()
    requires HasIpv6<Inner>
  {
    return inner_->v6();
  }

 private:
  static Result<void> add(Inner& inner, const StaticRoute& route, std::uint32_t number) {
    if constexpr (HasIpv6<Inner>) {
      if (!route.gateway.is_v4()) return add_route(inner.core(), inner.v6(), route, number);
    }
    return add_route(inner.core(), inner.v4(), route, number);
  }

  Inner* inner_;
};

}  // namespace fata::stack
