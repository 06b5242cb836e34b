// Stack<Net>: runs a host with IPv4 and IPv6 on a network device and provides sockets to
// applications. Ipv4Stack<Net> is the same without any IPv6 code. Both model sig::Udp.
#pragma once

#include <memory>

#include "fata/base/platform.hpp"
#include "fata/net/ipv4/engine.hpp"
#include "fata/net/ipv6/engine.hpp"
#include "fata/net/ipv6/setup.hpp"
#include "fata/sig/clock.hpp"
#include "fata/stack/device_driver.hpp"
#include "fata/stack/stack_core.hpp"
#include "fata/stack/tcp.hpp"
#include "fata/stack/vlan.hpp"

namespace fata::stack {

// The IP families of a stack, as engines that it owns.
struct DualFamilies {
  explicit DualFamilies(const SipKey& secret) : v4({secret}), v6({secret}) {}
  net::IpProtocol* second() { return &v6; }
  net::ipv4::Engine v4;
  net::ipv6::Engine v6;
};
struct Ipv4Family {
  explicit Ipv4Family(const SipKey& secret) : v4({secret}) {}
  net::IpProtocol* second() { return nullptr; }
  net::ipv4::Engine v4;
};

template <sig::NetDevice Net, class Families>
class BasicStack {
 public:
  using Socket = UdpSocket;

  BasicStack(async::Context& context, Net& net, const SipKey& secret, Vlan vlan = {})
      : families_(secret),
        core_(context, &families_.v4, families_.second(), secret),
        device_(core_, net, vlan.id) {}

  // The interfaces for applications: the stack itself as sig::Udp, and TCP.
  BasicStack& udp() { return *this; }
  Tcp& tcp() { return core_.tcp(); }

  // All sockets must be destroyed before the stack.
  Result<std::unique_ptr<UdpSocket>> bind(Endpoint local) { return core_.bind(local); }

  const net::Host& host() const { return core_.host(); }
  StackCore& core() { return core_; }
  Families& families() { return families_; }
  net::ipv4::Engine& v4() { return families_.v4; }
  net::Interface& interface() { return device_.interface(); }
  const net::arp::Cache& arp_cache() { return v4().arp_cache(interface()); }

  static SipKey secret_from(auto& random) {
    std::array<std::byte, 16> bytes;
    random.fill(bytes);
    return SipKey::of(bytes);
  }
  void use_ipv4(const Ipv4Cidr& address, Ipv4Address gateway) {
    v4().add_address(interface(), address, async::current_loop().now());
    if (!gateway.is_any()) {
      v4().routes().add({{{}, 0}, gateway, interface().index(), net::ipv4::Route::Origin::kStatic});
    }
    core_.log_ipv4(interface(), address, gateway);
    core_.flush();
  }

 private:
  Families families_;
  StackCore core_;
  DeviceDriver<Net> device_;
};

// The default source of secrets.
struct PlatformRandom {
  void fill(MutableBytes out) { platform::entropy(out); }
};

template <sig::NetDevice Net, sig::Random Random = PlatformRandom>
class Stack final : public BasicStack<Net, DualFamilies> {
 public:
  using BasicStack<Net, DualFamilies>::BasicStack;

  // Starts the stack's tasks, which run until it is destroyed.
  static async::Task<Result<std::unique_ptr<Stack>>> connect(
      async::Context& context, Net& net, Random& random, Ipv4Cidr v4, Ipv4Address v4_gateway,
      net::ipv6::Setup v6, net::ipv6::Gateway v6_gateway, Vlan vlan = {}) {
    auto stack = std::make_unique<Stack>(context, net, Stack::secret_from(random), vlan);
    stack->use_ipv4(v4, v4_gateway);
    stack->use_ipv6(v6, v6_gateway.address);
    return async::ready(Result<std::unique_ptr<Stack>>(std::move(stack)));
  }
  // Starts with IPv4 only and takes its secret from the platform.
  static async::Task<Result<std::unique_ptr<Stack>>> connect(async::Context& context, Net& net,
                                                             Ipv4Cidr address,
                                                             Ipv4Address gateway) {
    PlatformRandom random;
    auto stack = std::make_unique<Stack>(context, net, Stack::secret_from(random));
    stack->use_ipv4(address, gateway);
    return async::ready(Result<std::unique_ptr<Stack>>(std::move(stack)));
  }

  net::ipv6::Engine& v6() { return this->families().v6; }
  void use_ipv6(const net::ipv6::Setup& setup, const IpAddress& gateway) {
    const Instant now = async::current_loop().now();
    net::Interface& interface = this->interface();
    if (setup.mode == net::ipv6::Setup::Mode::kNone) return;
    v6().start(interface, now);
    if (setup.mode == net::ipv6::Setup::Mode::kAuto) v6().autoconfigure(interface, now);
    if (setup.mode == net::ipv6::Setup::Mode::kStatic) {
      v6().add_address(interface, setup.address, now);
      this->core().log().info("address ", setup.address);
    }
    if (!gateway.is_any()) v6().routers().add({{{}, 0}, gateway, interface.index()});
    this->core().flush();
  }
};

template <sig::NetDevice Net, sig::Random Random = PlatformRandom>
class Ipv4Stack final : public BasicStack<Net, Ipv4Family> {
 public:
  using BasicStack<Net, Ipv4Family>::BasicStack;

  static async::Task<Result<std::unique_ptr<Ipv4Stack>>> connect(async::Context& context, Net& net,
                                                                 Random& random, Ipv4Cidr address,
                                                                 Ipv4Address gateway,
                                                                 Vlan vlan = {}) {
    auto stack = std::make_unique<Ipv4Stack>(context, net, Ipv4Stack::secret_from(random), vlan);
    stack->use_ipv4(address, gateway);
    return async::ready(Result<std::unique_ptr<Ipv4Stack>>(std::move(stack)));
  }
};

}  // namespace fata::stack
