// Multicast between two hosts: members, shared ports, hop limits and interfaces.
#include "world.hpp"

namespace fata::test {
namespace {

constexpr std::uint16_t kPort = 5353;
const IpAddress kGroup4 = Ipv4Address::of(224, 0, 0, 251);
const IpAddress kGroup6 = IpAddress::of(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

std::unique_ptr<Socket> shared(Stack& stack) {
  auto socket = stack.udp().bind({IpAddress(), kPort},
                                 {.shared = true, .arrival = true, .multicast_hop_limit = 255});
  EXPECT_TRUE(socket);
  return std::move(*socket);
}

// Empty if nothing arrived. Checks what every datagram of these tests has.
async::Task<std::string> heard(Socket* socket, IpAddress to, unsigned hop_limit) {
  std::array<sig::RxDatagram, 1> in;
  const auto count = co_await socket->receive(in, async::Wait::at_most(seconds(1)));
  if (!count) co_return "";
  EXPECT_EQ(in[0].destination, to);
  EXPECT_EQ(in[0].interface, 0);
  EXPECT_EQ(in[0].hop_limit, hop_limit);
  co_return std::string(in[0].payload.text());
}

async::Task<void> members(Stack* a, Stack* b, IpAddress group) {
  const auto sender = shared(*a);
  const auto first = shared(*b), second = shared(*b), stranger = shared(*b);
  EXPECT_TRUE(first->join(group, 0));
  EXPECT_TRUE(first->join(group, 0)) << "joining twice has no effect";
  EXPECT_TRUE(second->join(group));
  EXPECT_FALSE(second->join(group, 3)) << "there is no such interface";
  EXPECT_FALSE(second->join(group, 300));

  EXPECT_TRUE(co_await send(sender.get(), {group, kPort}, "both"));
  EXPECT_EQ(co_await heard(first.get(), group, 255), "both");
  EXPECT_EQ(co_await heard(second.get(), group, 255), "both");
  EXPECT_EQ(co_await heard(stranger.get(), group, 255), "");

  first->leave(group, 0);
  EXPECT_TRUE(co_await send(sender.get(), {group, kPort}, "one"));
  EXPECT_EQ(co_await heard(first.get(), group, 255), "");
  EXPECT_EQ(co_await heard(second.get(), group, 255), "one");
  second->leave(group);
  const std::string_view dropped = group.is_v4() ? "not_for_us" : "v6_not_for_us";
  const std::uint64_t before = b->host().count(dropped);
  EXPECT_TRUE(co_await send(sender.get(), {group, kPort}, "none"));
  EXPECT_EQ(co_await heard(second.get(), group, 255), "");
  EXPECT_GT(b->host().count(dropped), before);
}

// A unicast datagram goes to one of the sockets that share its port.
async::Task<void> unicast(Stack* a, Stack* b) {
  const auto sender = shared(*a);
  const auto first = shared(*b), second = shared(*b);
  EXPECT_FALSE(b->bind({IpAddress(), kPort})) << "not without the option";
  EXPECT_TRUE(co_await send(sender.get(), at(2, kPort), "once"));
  const std::string at_first = co_await heard(first.get(), at(2, kPort).address, 64);
  const std::string at_second = co_await heard(second.get(), at(2, kPort).address, 64);
  EXPECT_EQ(at_first + at_second, "once");
}

// A chosen interface is used, and one that does not exist is not.
async::Task<void> chosen_interface(Stack* a, Stack* b, IpAddress group) {
  const auto sender = shared(*a), member = shared(*b);
  EXPECT_TRUE(member->join(group, 0));
  for (const sig::InterfaceIndex interface : {0, 1, 31, 256}) {
    std::array<sig::TxDatagram, 1> out{{{{group, kPort}, {}, sender->allocate(), interface}}};
    copy_bytes(out[0].payload.append(4), as_bytes("here"));
    const std::uint64_t before = a->host().count("no_route");
    EXPECT_TRUE(co_await sender->send(out, {}));
    EXPECT_EQ(co_await heard(member.get(), group, 255), interface == 0 ? "here" : "");
    EXPECT_EQ(a->host().count("no_route") - before, interface == 0 ? 0u : 1u);
  }
}

// A question to a link-local address with its zone is answered from that address, with the zone.
async::Task<void> zones(Stack* a, Stack* b) {
  const IpAddress server = b->v6().source_on(b->interface(), kGroup6);
  const auto asking = a->udp().bind({IpAddress(), 0});
  const auto answering = b->udp().bind({IpAddress(), 53}, {.arrival = true});
  EXPECT_TRUE(asking && answering);
  async::Scope scope;
  scope.spawn(echo(answering->get(), scope.token()));
  EXPECT_TRUE(co_await send(asking->get(), {server.with_scope(0), 53}, "name?"));
  const auto answer = co_await receive(asking->get(), seconds(1));
  EXPECT_TRUE(answer && answer->text == "name?");
  if (answer) EXPECT_EQ(answer->from, (Endpoint{server.with_scope(0), 53}));
  EXPECT_TRUE(co_await send(asking->get(), {server.with_scope(1), 53}, "name?"));
  EXPECT_FALSE(co_await receive(asking->get(), seconds(1))) << "there is no such interface";
  scope.cancel();
  co_await scope.join();
}

async::Task<int> multicast(World* world, sim::NetDevice* nic_a, sim::NetDevice* nic_b) {
  const auto a = co_await host(world, nic_a, cidr(1));
  const auto b = co_await host(world, nic_b, cidr(2));
  a->use_ipv6({ip::ipv6::Setup::Mode::kStatic, {at6(1, 0).address, 64}}, {});
  b->use_ipv6({ip::ipv6::Setup::Mode::kStatic, {at6(2, 0).address, 64}}, {});
  co_await async::sleep(seconds(3));  // duplicate address detection ends
  for (const IpAddress& group : {kGroup4, kGroup6}) {
    co_await members(a.get(), b.get(), group);
    co_await chosen_interface(a.get(), b.get(), group);
  }
  co_await unicast(a.get(), b.get());
  co_await zones(a.get(), b.get());
  co_return 0;
}

TEST(Multicast, ReachesEachMemberAndNobodyElse) {
  World world;
  sim::NetDevice& a = world.nic();
  sim::NetDevice& b = world.nic();
  world.network.join(a, b);
  world.platform.run([&] { return multicast(&world, &a, &b); });
}

}  // namespace
}  // namespace fata::test
