// One stack on two NICs, each on its own network, and NICs with segmentation offload.
#include "fata/stack/routes.hpp"
#include "world.hpp"

namespace fata::test {
namespace {

using Routed = stack::Routes<Stack::Core, stack::Ipv4<Stack::Core>, stack::Ipv6<Stack::Core>>;
using Routes = ParameterList<stack::StaticRoute, 4>;

// A second interface of a stack.
struct Second {
  Second(Stack& stack, sim::NetDevice& device, Ipv4Cidr v4, const ip::ipv6::Setup& v6 = {})
      : nic(stack.core(), device) {
    const Logger& log = stack.core().log();
    stack::use_address(log, stack.v4(), nic.interface(), stack.core().now(), v4);
    stack::use_address(log, stack.v6(), nic.interface(), stack.core().now(), v6);
    stack.core().flush();
  }
  Stack::Nic nic;
};

constexpr Ipv4Cidr kFirst = cidr(1), kSecond{Ipv4Address::of(10, 0, 1, 1), 24};
const Endpoint kNear = at(2, 7), kOther{Ipv4Address::of(10, 0, 1, 2), 7},
               kFar{Ipv4Address::of(10, 9, 0, 2), 7};

Routes routes(std::initializer_list<std::string_view> texts) {
  Routes list;
  for (const std::string_view text : texts) EXPECT_TRUE(parse_parameter(text, list)) << text;
  return list;
}

async::Task<std::string> answer(Socket* socket, Endpoint to) {
  co_await send(socket, to, "who");
  const auto heard = co_await receive(socket, seconds(3));
  co_return heard ? heard->text : "nobody";
}

// Two links, with a server at the far end of each. The second server also has an address that is
// reachable only through a route.
struct TwoNetworks : World {
  explicit TwoNetworks(bool offload) : options{.checksum_offload = offload} {
    network.join(a, near, {});
    network.join(b, other, {});
  }
  sim::DeviceOptions options;
  sim::NetDevice& a = nic(options);
  sim::NetDevice& b = nic(options);
  sim::NetDevice& near = nic(options);
  sim::NetDevice& other = nic(options);
};

async::Task<int> reach_both(TwoNetworks* world) {
  const auto near = co_await host(world, &world->near, cidr(2));
  const auto other = co_await host(world, &world->other, {kOther.address.v4(), 24});
  other->v4().add_address(other->interface(), {kFar.address.v4(), 32}, world->platform.now());
  const auto near_socket = bound(*near, 7);
  const auto other_socket = bound(*other, 7);
  async::Scope scope;
  scope.spawn(echo(near_socket.get(), scope.token()));
  scope.spawn(echo(other_socket.get(), scope.token()));
  {
    const auto stack = co_await host(world, &world->a, kFirst);
    const Second both(*stack, world->b, kSecond);
    const auto routed =
        co_await Routed::connect(world->context, stack->core(), stack->ipv4(), stack->ipv6(),
                                 routes({"10.9.0.0/16 via 10.0.1.2"}));
    EXPECT_TRUE(routed);
    const auto socket = bound(*stack, 0);
    EXPECT_EQ(co_await answer(socket.get(), kNear), "who");
    EXPECT_EQ(co_await answer(socket.get(), kOther), "who");
    EXPECT_EQ(co_await answer(socket.get(), kFar), "who");
    EXPECT_EQ(co_await answer(socket.get(), {Ipv4Address::of(10, 8, 0, 2), 7}), "nobody")
        << "no route";
    EXPECT_EQ(stack->host().interface_count(), 2u);
  }
  scope.cancel();
  co_await scope.join();
  co_await async::sleep(seconds(1));
  co_return 0;
}

TEST(TwoNics, ReachTheirOwnNetworksAndWhatARouteNames) {
  for (const bool offload : {false, true}) {
    TwoNetworks world(offload);
    EXPECT_EQ(world.platform.run([&] { return reach_both(&world); }), 0);
  }
}

// Sends `size` bytes to the first client that connects.
async::Task<void> serve(Stack* stack, std::size_t size) {
  auto listener = stack->tcp().listen({Ipv4Address{}, 80}, 4);
  EXPECT_TRUE(listener);
  auto flow = co_await (*listener)->accept({});
  EXPECT_TRUE(flow);
  for (std::size_t left = size; left != 0;) {
    PacketBuf packet = (*flow)->allocate(0, 1);
    if (!packet) {
      co_await async::sleep(milliseconds(1));
      continue;
    }
    const std::size_t part = std::min(left, packet.tailroom());
    (void)packet.append(part);
    std::array<Slice, 1> out{Slice(std::move(packet))};
    if ((co_await (*flow)->write(out, {})).accepted != part) co_return;
    left -= part;
  }
  (void)co_await (*flow)->shutdown({});
  (void)co_await (*flow)->read({});
}

async::Task<int> pull_through_second(TwoNetworks* world) {
  constexpr std::size_t kSize = 300'000;
  const auto other = co_await host(world, &world->other, {kOther.address.v4(), 24});
  const auto stack = co_await host(world, &world->a, kFirst);
  const Second both(*stack, world->b, kSecond);
  async::Scope scope;
  scope.spawn(serve(stack.get(), kSize));
  co_await async::sleep(seconds(10));  // announcements and reports are over
  const std::uint64_t before = world->a.count(sim::NetDevice::kSent);
  std::size_t heard = 0;
  {
    auto flow = co_await other->tcp().connect(Endpoint{kSecond.address, 80},
                                              async::Wait::at_most(seconds(5)));
    EXPECT_TRUE(flow);
    if (!flow) co_return 1;
    for (;;) {
      const auto got = co_await (*flow)->read(async::Wait::at_most(seconds(30)));
      EXPECT_TRUE(got);
      if (!got || got->empty()) break;
      heard += got->size();
    }
    (void)co_await (*flow)->shutdown({});
  }
  co_await scope.join();
  EXPECT_EQ(heard, kSize);
  EXPECT_EQ(world->a.count(sim::NetDevice::kSent), before) << "by the wrong NIC";
  co_await async::sleep(seconds(200));
  co_return 0;
}

TEST(TwoNics, CarryAStreamByTheNicThatLeadsToItsPeer) {
  for (const bool offload : {false, true}) {
    TwoNetworks world(offload);
    EXPECT_EQ(world.platform.run([&] { return pull_through_second(&world); }), 0);
  }
}

async::Task<int> pull(World* world, sim::NetDevice* to, sim::NetDevice* from, std::size_t size) {
  const auto client = co_await host(world, to, cidr(1));
  const auto server = co_await host(world, from, cidr(2));
  async::Scope scope;
  scope.spawn(serve(server.get(), size));
  std::size_t heard = 0;
  {
    auto flow = co_await client->tcp().connect(at(2, 80), async::Wait::at_most(seconds(5)));
    EXPECT_TRUE(flow);
    if (!flow) co_return 1;
    for (;;) {
      const auto got = co_await (*flow)->read(async::Wait::at_most(seconds(30)));
      EXPECT_TRUE(got);
      if (!got || got->empty()) break;
      heard += got->size();
    }
    (void)co_await (*flow)->shutdown({});
  }
  co_await scope.join();
  EXPECT_EQ(heard, size);
  EXPECT_EQ(client->host().count("bad_checksum"), 0u);
  co_await async::sleep(seconds(200));
  co_return 0;
}

TEST(Segmentation, IsDoneByTheNicOrLeftToOneThatIsAlike) {
  using sim::Segmentation;
  struct Case {
    Segmentation sender, receiver;
    bool whole_on_wire, coalesced;
  };
  for (const Case& each : {Case{Segmentation::kNone, Segmentation::kWhole, false, false},
                           Case{Segmentation::kCuts, Segmentation::kWhole, false, false},
                           Case{Segmentation::kWhole, Segmentation::kCuts, true, false},
                           Case{Segmentation::kWhole, Segmentation::kWhole, true, true}}) {
    World world;
    sim::NetDevice& to = world.nic({.checksum_offload = true, .segmentation = each.receiver});
    sim::NetDevice& from = world.nic({.checksum_offload = true, .segmentation = each.sender});
    world.network.join(to, from, {.delay = milliseconds(2), .bits_per_second = 100'000'000});
    std::size_t longest = 0;
    world.network.on_frame = [&](const sim::FrameEvent& event) {
      longest = std::max(longest, event.bytes.size());
    };
    EXPECT_EQ(world.platform.run([&] { return pull(&world, &to, &from, 300'000); }), 0);
    EXPECT_EQ(longest > 1514, each.whole_on_wire);
    EXPECT_EQ(to.count(sim::NetDevice::kReceivedCoalesced) > 5, each.coalesced);
    EXPECT_EQ(from.count(sim::NetDevice::kSentUncut) > 5, each.sender != Segmentation::kNone);
  }
}

async::Task<int> refuse(TwoNetworks* world) {
  const auto stack = co_await host(world, &world->a, kFirst);
  const Second both(*stack, world->b, kSecond);
  struct Case {
    std::string_view second;
    stack::RouteErrc expected;
  };
  for (const Case& each : {Case{"10.8.0.0/16 via 10.0.7.1", stack::RouteErrc::kNoWay},
                           Case{"10.8.0.0/16 via 10.0.7.1 on 2", stack::RouteErrc::kNoNic},
                           Case{"2001:db8:9::/48 via fe80::1", stack::RouteErrc::kNoWay},
                           Case{"2001:db8:9::/48 via fe80::1 on 2", stack::RouteErrc::kNoNic}}) {
    const auto routed =
        co_await Routed::connect(world->context, stack->core(), stack->ipv4(), stack->ipv6(),
                                 routes({"10.9.0.0/16 via 10.0.1.2", each.second}));
    EXPECT_FALSE(routed);
    if (!routed) EXPECT_EQ(routed.error(), Error(each.expected, 2)) << each.second;
  }
  const auto routed = co_await Routed::connect(
      world->context, stack->core(), stack->ipv4(), stack->ipv6(),
      routes({"2001:db8:9::/48 via fe80::1 on 1", "10.8.0.0/16 via 10.0.7.1 on 1"}));
  EXPECT_TRUE(routed);
  EXPECT_EQ(stack->v6().routers().routes()[0].interface, 1);
  co_return 0;
}

TEST(TwoNics, SayWhichRouteLeadsNowhere) {
  TwoNetworks world(false);
  EXPECT_EQ(world.platform.run([&] { return refuse(&world); }), 0);
}

async::Task<int> listen_on_second(TwoNetworks* world) {
  const auto stack = co_await host(world, &world->a, kFirst);
  const Second both(*stack, world->b, kSecond, {ip::ipv6::Setup::Mode::kNone, {}});
  auto socket = stack->bind({kSecond.address, 5353});
  EXPECT_TRUE(socket);
  co_await async::sleep(seconds(15));  // announcements and reports are over
  const std::uint64_t a = world->a.count(sim::NetDevice::kSent),
                      b = world->b.count(sim::NetDevice::kSent);
  const IpAddress group(Ipv4Address::of(224, 1, 2, 3));
  EXPECT_TRUE((*socket)->join(group));
  co_await async::sleep(seconds(15));
  (*socket)->leave(group);
  EXPECT_EQ(world->a.count(sim::NetDevice::kSent), a);
  EXPECT_GT(world->b.count(sim::NetDevice::kSent), b);
  co_return 0;
}

TEST(TwoNics, HearTheGroupsOfASocketOnTheNicOfItsAddress) {
  TwoNetworks world(false);
  EXPECT_EQ(world.platform.run([&] { return listen_on_second(&world); }), 0);
}

}  // namespace
}  // namespace fata::test
