// The resolver and name servers on stacks of a simulated network that loses, repeats and reorders.
#include "name_server.hpp"

namespace fata::test {
namespace {

constexpr std::string_view kZone =
    "$ORIGIN example.org.\n$TTL 1\n@ SOA ns hostmaster 1 7200 3600 1209600 1\n@ NS ns\nns A "
    "192.0.2.1\nwww A 192.0.2.80\nwww AAAA 2001:db8::80\nalias CNAME www\nonly4 A 192.0.2.4\n"
    "$GENERATE 1-200 w$ A 192.0.2.$\n"
    "$GENERATE 1-100 many A 198.51.100.$\n$GENERATE 1-50 many AAAA 2001:db8::$\n";

async::Task<std::string> addresses(Resolver* resolver, std::string_view name) {
  const auto found = co_await resolver->resolve(name, async::Wait::at_most(seconds(60)));
  if (!found) co_return std::string(Text<100>(std::in_place, found.error()).view());
  std::string out;
  for (const IpAddress& each : *found)
    out += (out.empty() ? "" : " ") + std::string(Text<64>(std::in_place, each).view());
  co_return out;
}

async::Task<int> lookups(World* world, std::array<sim::NetDevice*, 2> nics, bool many,
                         int* complete) {
  const auto client = co_await host(world, nics[0], cidr(1));
  NameServer server(co_await host(world, nics[1], cidr(2)), kZone);
  PlatformRandom random;
  // The first server does not exist.
  FixedNames names{{at(9, 0).address, at(2, 0).address}};
  auto made =
      co_await Resolver::connect(world->context, client->udp(), client->tcp(), names, random, {});
  EXPECT_TRUE(made);
  Resolver* const resolver = made->get();
  async::Scope scope;
  scope.spawn(server.serve_udp(scope.token()));
  scope.spawn(server.serve_tcp(scope.token()));
  // A family whose queries are lost too often is left out.
  constexpr std::string_view kBoth = "2001:db8::80 192.0.2.80";
  for (const std::string_view name : {"www.example.org", "alias"}) {
    const std::string found = co_await addresses(resolver, name);
    EXPECT_TRUE(found == kBoth || found == "2001:db8::80" || found == "192.0.2.80") << found;
    *complete += found == kBoth;
  }
  EXPECT_EQ(co_await addresses(resolver, "none.example.org."), "resolver: the name does not exist");
  EXPECT_EQ(co_await addresses(resolver, "only4.example.org"), "192.0.2.4");
  if (many) {
    const auto set =
        co_await resolver->query("many.example.org", 1, async::Wait::at_most(seconds(60)));
    EXPECT_TRUE(set && set->bytes.size() == 100 * (2 + 4));
    EXPECT_GT(resolver->engine().count(resolver::Engine::kTruncated), 0U);
  }
  const auto set = co_await resolver->query("example.org", 2, async::Wait::at_most(seconds(60)));
  EXPECT_TRUE(set && set->bytes.size() == 2 + 16);
  made->reset();
  scope.cancel();
  co_await scope.join();
  co_await async::sleep(seconds(120));  // TCP's connections end
  co_return 0;
}

TEST(ResolverSim, FindsAddressesOverLinksThatLoseRepeatAndReorder) {
  int complete = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    sim::NetDevice& a = world.nic();
    sim::NetDevice& b = world.nic();
    sim::LinkOptions link;
    link.loss = 50;
    link.duplication = 50;
    link.reordering = 100;
    world.network.join(a, b, link);
    world.platform.run([&] { return lookups(&world, {&a, &b}, seed % 4 == 0, &complete); });
  }
  EXPECT_GE(complete, 180);
}

async::Task<void> count_one(Resolver* resolver, std::string name, int* found) {
  const auto addresses = co_await resolver->resolve(name, {});
  EXPECT_TRUE(addresses);
  if (addresses) ++*found;
}

async::Task<int> crowd(World* world, std::array<sim::NetDevice*, 2> nics) {
  const auto client = co_await host(world, nics[0], cidr(1));
  NameServer server(co_await host(world, nics[1], cidr(2)), kZone);
  PlatformRandom random;
  FixedNames names{{at(2, 0).address}};
  auto made =
      co_await Resolver::connect(world->context, client->udp(), client->tcp(), names, random, {});
  async::Scope serving, asking;
  serving.spawn(server.serve_udp(serving.token()));
  int found = 0;
  for (int i = 1; i <= 200; ++i)
    asking.spawn(count_one(made->get(), "w" + std::to_string(i) + ".example.org", &found));
  co_await asking.join();
  EXPECT_EQ(found, 200);
  // Of the first 64 queries, the stack keeps 32 until it knows the server's hardware address.
  EXPECT_LE(made->get()->engine().count(resolver::Engine::kQueries), 432U);
  made->reset();
  serving.cancel();
  co_await serving.join();
  co_return 0;
}

TEST(ResolverSim, MoreLookupsThanFitWaitForEachOther) {
  World world;
  sim::NetDevice& a = world.nic();
  sim::NetDevice& b = world.nic();
  world.network.join(a, b, {});
  world.platform.run([&] { return crowd(&world, {&a, &b}); });
}

async::Task<int> cancelled(World* world, sim::NetDevice* nic) {
  const auto client = co_await host(world, nic, cidr(1));
  PlatformRandom random;
  FixedNames names{{at(9, 0).address}};
  auto made =
      co_await Resolver::connect(world->context, client->udp(), client->tcp(), names, random, {});
  const auto found = co_await (*made)->resolve("www.test", async::Wait::at_most(seconds(1)));
  EXPECT_TRUE(!found && found.error().is(async::Errc::kTimedOut));
  EXPECT_EQ(co_await addresses(made->get(), "www.test"),
            "resolver: no name server answered in time");
  names.servers.clear();
  EXPECT_EQ(co_await addresses(made->get(), "www.test"), "resolver: no name server is known");
  co_return 0;
}

TEST(ResolverSim, ALookupEndsWithItsWait) {
  World world;
  sim::NetDevice& nic = world.nic();
  world.platform.run([&] { return cancelled(&world, &nic); });
}

}  // namespace
}  // namespace fata::test
