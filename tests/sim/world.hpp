// Hosts on a simulated network, and helpers for the tests.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "fata/async/context.hpp"
#include "fata/async/scope.hpp"
#include "fata/base/platform.hpp"
#include "fata/sim/learning_switch.hpp"
#include "fata/sim/net_device.hpp"
#include "fata/stack/addresses.hpp"
#include "fata/stack/families.hpp"
#include "fata/stack/net_interface.hpp"
#include "fata/stack/stack.hpp"
#include "fata/stack/tcp.hpp"
#include "fata/stack/udp.hpp"

namespace fata::test {

struct PlatformRandom {
  void fill(MutableBytes out) { platform::entropy(out); }
};

// A stack with all its parts on one NIC.
class Stack {
 public:
  using Core = stack::Stack;
  using Nic = stack::NetInterface<Core, sim::NetDevice>;

  template <sig::Random Random>
  Stack(async::Context& context, sim::NetDevice& nic, Random& random, bool ipv6 = true,
        stack::Vlan vlan = {})
      : core_(context, random), v4_(core_) {
    if (ipv6) v6_.emplace(core_);
    udp_.emplace(core_);
    nic_.emplace(core_, nic, vlan);
  }

  void use(Ipv4Cidr address, Ipv4Address gateway = {}) {
    stack::use_address(core_.log(), v4(), interface(), core_.now(), address, gateway);
    core_.flush();
  }
  void use_ipv6(const ip::ipv6::Setup& setup, const ip::ipv6::Gateway& gateway = {}) {
    stack::use_address(core_.log(), v6(), interface(), core_.now(), setup, gateway);
    core_.flush();
  }
  Result<std::unique_ptr<stack::UdpSocket>> bind(Endpoint local) { return udp_->bind(local); }
  stack::Tcp& tcp() { return tcp_ ? *tcp_ : tcp_.emplace(core_); }
  Core& core() { return core_; }
  const ip::Host& host() const { return core_.host(); }
  stack::UdpOn<Core>& udp() { return *udp_; }
  stack::Ipv4<Core>& ipv4() { return v4_; }
  stack::Ipv6<Core>& ipv6() { return *v6_; }
  ip::ipv4::Engine& v4() { return v4_.engine(); }
  ip::ipv6::Engine& v6() { return v6_->engine(); }
  Nic& nic() { return *nic_; }
  ip::Interface& interface() { return nic_->interface(); }
  const ip::arp::Cache& arp_cache() { return v4().arp_cache(interface()); }

 private:
  Core core_;
  stack::Ipv4<Core> v4_;
  std::optional<stack::Ipv6<Core>> v6_;
  std::optional<stack::UdpOn<Core>> udp_;
  std::optional<Nic> nic_;
  std::optional<stack::TcpOn<Core>> tcp_;
};
using Socket = stack::UdpSocket;

inline constexpr Ipv4Cidr cidr(std::uint8_t last, std::uint8_t prefix = 24) {
  return {Ipv4Address::of(10, 0, 0, last), prefix};
}
inline Endpoint at(std::uint8_t last, std::uint16_t port) {
  return {Ipv4Address::of(10, 0, 0, last), port};
}
inline Endpoint at6(std::uint16_t last, std::uint16_t port) {
  return {IpAddress::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, last), port};
}

struct World {
  explicit World(std::uint64_t seed = 1) : platform(seed), network(platform) {}
  // Verifies that no buffer leaked: each is in its pool, or holds a received frame that was not
  // taken from the NIC.
  ~World() {
    for (const sim::NetDevice* nic : nics) {
      EXPECT_EQ(nic->pool().available() + nic->waiting(), nic->pool().count()) << "a buffer leaked";
    }
  }

  sim::NetDevice& nic(const sim::DeviceOptions& options = {}) {
    sim::NetDevice& made = network.add_device(options);
    nics.push_back(&made);
    return made;
  }

  sim::Platform platform;
  sim::Network network;
  async::Context context{platform.loop(), {}};
  std::vector<sim::NetDevice*> nics;
};

inline async::Task<std::unique_ptr<Stack>> host(World* world, sim::NetDevice* nic, Ipv4Cidr address,
                                                Ipv4Address gateway = {}) {
  PlatformRandom random;
  auto stack = std::make_unique<Stack>(world->context, *nic, random);
  stack->use(address, gateway);
  co_return stack;
}

inline std::unique_ptr<Socket> bound(Stack& stack, std::uint16_t port) {
  auto socket = stack.bind({Ipv4Address{}, port});
  EXPECT_TRUE(socket);
  return std::move(*socket);
}

inline async::Task<bool> send(Socket* socket, Endpoint to, std::string text) {
  std::array<sig::TxDatagram, 1> out;
  out[0].destination = to;
  out[0].payload = socket->allocate();
  if (!out[0].payload) co_return false;
  copy_bytes(out[0].payload.append(text.size()), as_bytes(text));
  co_return (co_await socket->send(out, {})).has_value();
}

struct Received {
  Endpoint from;
  std::string text;
};
inline async::Task<std::optional<Received>> receive(Socket* socket, Duration timeout) {
  std::array<sig::RxDatagram, 1> in;
  const auto count = co_await socket->receive(in, async::Wait::at_most(timeout));
  if (!count) co_return std::nullopt;
  co_return Received{in[0].source, std::string(in[0].payload.text())};
}

// Echoes each datagram to its sender.
inline async::Task<void> echo(Socket* socket, async::CancelToken stop) {
  std::array<sig::RxDatagram, 16> in;
  for (;;) {
    const auto count = co_await socket->receive(in, async::Wait::cancelled_by(stop));
    if (!count) co_return;
    for (sig::RxDatagram& datagram : std::span(in).first(*count)) {
      std::array<sig::TxDatagram, 1> out;
      out[0].destination = datagram.source;
      out[0].payload = socket->allocate();
      if (out[0].payload) {
        const Bytes bytes = datagram.payload.bytes();
        copy_bytes(out[0].payload.append(bytes.size()), bytes);
        (void)co_await socket->send(out, {});
      }
      datagram.payload = {};
    }
  }
}

}  // namespace fata::test
