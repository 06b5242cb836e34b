// Hosts in trouble: ports without a listener, full queues and NICs, objects that end while in use.
#include "world.hpp"

namespace fata::test {
namespace {

async::Task<int> no_listener(World* world, sim::NetDevice* a, sim::NetDevice* b) {
  const auto client = co_await host(world, a, cidr(1));
  const auto server = co_await host(world, b, cidr(2));
  const auto socket = bound(*client, 0);
  co_await async::sleep(seconds(1));
  EXPECT_TRUE(co_await send(socket.get(), at(2, 9), "anybody?"));
  co_await async::sleep(milliseconds(10));
  EXPECT_EQ(server->host().count("no_listener"), 1u);
  EXPECT_EQ(server->host().count("icmp_errors_sent"), 1u);
  EXPECT_EQ(client->host().count("icmp_errors_heard"), 1u);
  co_return 0;
}

TEST(Udp, WhoSendsToAClosedPortHearsThatItIsUnreachable) {
  World world;
  sim::NetDevice& a = world.nic();
  sim::NetDevice& b = world.nic();
  world.network.join(a, b);
  world.platform.run([&] { return no_listener(&world, &a, &b); });
}

async::Task<int> broadcast(World* world, std::vector<sim::NetDevice*> nics, Ipv4Address to) {
  std::vector<std::unique_ptr<Stack>> hosts;
  std::vector<std::unique_ptr<Socket>> sockets;
  for (std::size_t i = 0; i < nics.size(); ++i) {
    hosts.push_back(co_await host(world, nics[i], cidr(static_cast<std::uint8_t>(i + 1))));
    if (i + 1 != nics.size()) sockets.push_back(bound(*hosts[i], 7));
  }
  EXPECT_TRUE(co_await send(sockets[0].get(), {to, 7}, "to all"));
  for (std::size_t i = 1; i < sockets.size(); ++i) {
    const auto heard = co_await receive(sockets[i].get(), seconds(1));
    EXPECT_TRUE(heard && heard->text == "to all" && heard->from == at(1, 7)) << i;
  }
  EXPECT_FALSE(co_await receive(sockets[0].get(), seconds(1))) << "the sender hears itself";
  // A host without a listener must not answer a broadcast, or all hosts would send errors at once.
  EXPECT_EQ(hosts.back()->host().count("no_listener"), 1u);
  EXPECT_EQ(hosts.back()->host().count("icmp_errors_sent"), 0u);
  co_return 0;
}

TEST(Udp, ABroadcastReachesEveryHostOfTheNetworkOnce) {
  for (const Ipv4Address to : {Ipv4Address{0xffffffff}, Ipv4Address::of(10, 0, 0, 255)}) {
    World world;
    sim::LearningSwitch& middle = world.network.add_switch();
    for (int i = 0; i < 5; ++i) world.network.join(world.nic(), middle.port());
    world.platform.run([&] { return broadcast(&world, world.nics, to); });
  }
}

async::Task<int> overflow(World* world, sim::NetDevice* a, sim::NetDevice* b) {
  const auto client = co_await host(world, a, cidr(1));
  const auto server = co_await host(world, b, cidr(2));
  const auto from = bound(*client, 0);
  const auto slow = bound(*server, 7);
  for (unsigned i = 0; i < 200; ++i) {
    EXPECT_TRUE(co_await send(from.get(), at(2, 7), std::to_string(i)));
    co_await async::sleep(milliseconds(1));
  }
  EXPECT_EQ(slow->dropped(), 200 - Socket::kQueue);
  // The oldest are kept, in order.
  for (std::size_t i = 0; i < Socket::kQueue; ++i) {
    const auto datagram = co_await receive(slow.get(), seconds(1));
    EXPECT_TRUE(datagram && datagram->text == std::to_string(i)) << i;
  }
  EXPECT_FALSE(co_await receive(slow.get(), milliseconds(1)));
  co_return 0;
}

TEST(Udp, ASocketThatNobodyReadsKeepsSomeAndCountsTheRest) {
  World world;
  sim::NetDevice& a = world.nic();
  sim::NetDevice& b = world.nic();
  world.network.join(a, b);
  world.platform.run([&] { return overflow(&world, &a, &b); });
}

async::Task<int> slow_nic(World* world, sim::NetDevice* a, sim::NetDevice* b,
                          std::size_t* arrived) {
  const auto client = co_await host(world, a, cidr(1));
  const auto server = co_await host(world, b, cidr(2));
  const auto from = bound(*client, 0);
  const auto to = bound(*server, 7);
  EXPECT_TRUE(co_await send(from.get(), at(2, 7), "resolve"));
  EXPECT_TRUE(co_await receive(to.get(), seconds(1)));
  std::vector<sig::TxDatagram> out(100);
  for (sig::TxDatagram& datagram : out) {
    datagram.destination = at(2, 7);
    datagram.payload = from->allocate();
    EXPECT_TRUE(datagram.payload);
    (void)datagram.payload.append(1000);
  }
  const Instant before = world->platform.now();
  EXPECT_TRUE(co_await from->send(out, {}));
  // 100 frames of 1042 bytes take 83 ms. When send() returns, 8 may be in the NIC and 64 in the
  // stack.
  EXPECT_GT((world->platform.now() - before).ms(), 20);
  // The rest must be sent without any further call.
  while (co_await receive(to.get(), seconds(1))) ++*arrived;
  EXPECT_GE((world->platform.now() - before).ms(), 83);
  co_return 0;
}

TEST(Udp, AFullNicHoldsTheSenderBackAndLosesNothing) {
  World world;
  sim::DeviceOptions options;
  options.ring = 8;
  sim::NetDevice& a = world.nic(options);
  sim::NetDevice& b = world.nic();
  sim::LinkOptions slow;
  slow.bits_per_second = 10'000'000;
  world.network.join(a, b, slow);
  std::size_t arrived = 0;
  world.platform.run([&] { return slow_nic(&world, &a, &b, &arrived); });
  EXPECT_EQ(arrived, 100u);
}

async::Task<int> end_early(World* world, sim::NetDevice* a, sim::NetDevice* b, unsigned order) {
  auto client = co_await host(world, a, cidr(1));
  auto server = co_await host(world, b, cidr(2));
  auto from = bound(*client, 0);
  auto to = bound(*server, 7);
  async::Scope scope;
  scope.spawn(echo(to.get(), scope.token()));
  for (unsigned i = 0; i < 20; ++i) EXPECT_TRUE(co_await send(from.get(), at(2, 7), "hello"));
  EXPECT_TRUE(co_await send(from.get(), at(99, 7), "waits for an address"));
  if (order % 2 == 0) co_await async::sleep(microseconds(60 * order));
  scope.cancel();
  co_await scope.join();
  if (order % 3 == 0) {
    from.reset();
    client.reset();
    co_await async::sleep(milliseconds(order));
    to.reset();
    server.reset();
  } else {
    to.reset();
    co_await async::sleep(microseconds(order));
    server.reset();
    from.reset();
    client.reset();
  }
  co_return 0;  // frames are still in flight to NICs without a reader
}

TEST(Udp, SocketsAndStacksMayEndWhileFramesAreUnderWay) {
  for (unsigned order = 0; order < 12; ++order) {
    World world(order);
    sim::NetDevice& a = world.nic();
    sim::NetDevice& b = world.nic();
    sim::LinkOptions link;
    link.jitter = milliseconds(1);
    world.network.join(a, b, link);
    world.platform.run([&] { return end_early(&world, &a, &b, order); });
  }
}

async::Task<int> pulled_nic(World* world, sim::NetDevice* a) {
  const auto client = co_await host(world, a, cidr(1));
  const auto socket = bound(*client, 7);
  co_await async::sleep(milliseconds(1));
  a->fail_now();
  EXPECT_FALSE(co_await receive(socket.get(), seconds(1)));
  co_return 0;
}

TEST(Stack, SaysThatItsNicFailedAndStaysDestructible) {
  World world;
  sim::NetDevice& a = world.nic();
  // An image whose only NIC has failed ends with an error.
  EXPECT_EQ(world.platform.run([&] { return pulled_nic(&world, &a); }), 1);
  EXPECT_NE(world.platform.log().find("the network device failed: "), std::string::npos)
      << world.platform.log();
}

}  // namespace
}  // namespace fata::test
