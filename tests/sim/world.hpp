// Hosts on a simulated network, and helpers for the tests.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "fata/async/context.hpp"
#include "fata/async/scope.hpp"
#include "fata/sim/learning_switch.hpp"
#include "fata/sim/net_device.hpp"
#include "fata/stack/stack.hpp"

namespace fata::test {

using Stack = stack::Stack<sim::NetDevice>;
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
    for (const sim::NetDevice* card : cards) {
      EXPECT_EQ(card->pool().available() + card->waiting(), card->pool().count())
          << "a buffer leaked";
    }
  }

  sim::NetDevice& card(const sim::DeviceOptions& options = {}) {
    sim::NetDevice& made = network.add_device(options);
    cards.push_back(&made);
    return made;
  }

  sim::Platform platform;
  sim::Network network;
  async::Context context{platform.loop(), {}};
  std::vector<sim::NetDevice*> cards;
};

inline async::Task<std::unique_ptr<Stack>> host(World* world, sim::NetDevice* card,
                                                Ipv4Cidr address, Ipv4Address gateway = {}) {
  auto stack = co_await Stack::connect(world->context, *card, address, gateway);
  EXPECT_TRUE(stack);
  co_return std::move(*stack);
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
