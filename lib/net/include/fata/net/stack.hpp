// Stack<Net>: runs a host on a network device and gives its sockets to applications. Models sig::Udp.
#pragma once

#include <memory>

#include "fata/net/device_driver.hpp"
#include "fata/net/ipv4/engine.hpp"
#include "fata/net/stack_core.hpp"
#include "fata/sig/no_tcp.hpp"

namespace fata::net {

template <sig::NetDevice Net>
class Stack final {
 public:
  using Socket = UdpSocket;

  // Starts the stack's tasks, which run until it is destroyed.
  static async::Task<Result<std::unique_ptr<Stack>>> connect(async::Context& context, Net& net,
                                                             Ipv4Cidr address, Ipv4Address gateway) {
    auto stack = std::make_unique<Stack>(context, net);
    stack->configure(address, gateway);
    co_return stack;
  }

  Stack(async::Context& context, Net& net) : core_(context, &v4_, nullptr), device_(core_, net) {}

  // What the stack offers to applications: itself as sig::Udp, and no TCP yet.
  Stack& udp() { return *this; }
  sig::NoTcp& tcp() { return tcp_; }

  // Every socket must be gone before the stack.
  Result<std::unique_ptr<UdpSocket>> bind(Endpoint local) { return core_.bind(local); }

  const Host& host() const { return core_.host(); }
  ipv4::Engine& v4() { return v4_; }
  const arp::Cache& arp_cache() { return v4_.arp_cache(device_.interface()); }

 private:
  void configure(const Ipv4Cidr& address, Ipv4Address gateway) {
    Interface& interface = device_.interface();
    v4_.add_address(interface, address, async::current_loop().now());
    if (!gateway.is_any())
      v4_.routes().add({{{}, 0}, gateway, interface.index(), ipv4::Route::Origin::kStatic});
    core_.log().info("address ", address, ", hardware address ", interface.mac(), ", gateway ", gateway);
    core_.flush();
  }

  ipv4::Engine v4_;
  StackCore core_;
  sig::NoTcp tcp_;
  DeviceDriver<Net> device_;
};

}  // namespace fata::net
