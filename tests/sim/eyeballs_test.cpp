// Connections by name on simulated stacks: the resolver asks a name server, and a host has an IPv6
// and an IPv4 address whose paths work, refuse or lose everything.
#include <random>

#include "fata/async/background.hpp"
#include "fata/eyeballs/connector.hpp"
#include "fata/sim/effort.hpp"
#include "name_server.hpp"

namespace fata::test {
namespace {

constexpr std::string_view kZone =
    "$ORIGIN example.org.\n$TTL 1\n@ SOA ns hostmaster 1 7200 3600 1209600 1\n@ NS ns\nns A "
    "10.0.0.2\nwww AAAA 2001:db8::6\nwww A 10.0.0.4\n";
constexpr std::uint16_t kPort = 80;

// The resolver's answers, later.
struct LateNames {
  async::Task<Result<std::vector<IpAddress>>> resolve(std::string_view name, async::Wait wait) {
    return real->resolve(name, wait);
  }
  async::Task<Result<sig::RecordSet>> query(std::string_view name, std::uint16_t type,
                                            async::Wait wait) {
    const auto slept = co_await async::sleep(type == 28 ? aaaa : a, wait.token);
    if (!slept) co_return fail(Error(slept.error()));
    co_return co_await real->query(name, type, wait);
  }
  Resolver* real;
  Duration aaaa, a;
};
using Connector = eyeballs::Connector<stack::Tcp, LateNames>;

enum class Path { kWorks, kRefuses, kDead };
struct Scenario {
  Path v6 = Path::kWorks, v4 = Path::kWorks;
  Duration aaaa{}, a{};
  std::string_view host = "www.example.org";
  Duration wait = seconds(20);
  std::optional<Duration> destroyed{};  // the caller, while it connects
  sim::LinkOptions link{.delay = milliseconds(1)};
  std::uint64_t seed = 1;
};
struct Outcome {
  std::optional<IpAddress> peer{};
  std::string error{};
  Duration took{};
};

struct Lab {
  explicit Lab(const Scenario& how) : scenario(how), world(how.seed) {
    sim::LearningSwitch& middle = world.network.add_switch();
    for (sim::NetDevice* nic : {&client, &server, &six, &four})
      links.push_back(&world.network.join(*nic, middle.port(), {.delay = how.link.delay}));
  }
  const Scenario& scenario;
  World world;
  sim::NetDevice& client = world.nic();
  sim::NetDevice& server = world.nic();
  sim::NetDevice& six = world.nic();
  sim::NetDevice& four = world.nic();
  std::vector<sim::Link*> links;
  Outcome outcome;
};

// Connects, and compares the connections of the client's stack with what it got.
async::Task<void> connect(Lab* lab, Connector* connector, Stack* client) {
  const Instant begin = lab->world.platform.now();
  const auto flow = co_await connector->connect(lab->scenario.host, kPort,
                                                async::Wait::at_most(lab->scenario.wait));
  lab->outcome.took = lab->world.platform.now() - begin;
  if (lab->scenario.link.loss == 0) {
    EXPECT_EQ(client->tcp().table().connections(), flow ? 1U : 0U);
  }
  if (flow) {
    lab->outcome.peer = (*flow)->peer().address;
    (*flow)->abort();
  } else {
    lab->outcome.error = Text<100>(std::in_place, flow.error()).view();
  }
}

async::Task<int> scenario(Lab* lab) {
  World* const world = &lab->world;
  const auto client = co_await host(world, &lab->client, cidr(1));
  NameServer server(co_await host(world, &lab->server, cidr(2)), kZone);
  const auto six = co_await host(world, &lab->six, cidr(6));
  const auto four = co_await host(world, &lab->four, cidr(4));
  client->use_ipv6({ip::ipv6::Setup::Mode::kStatic, {at6(1, 0).address, 64}}, {});
  six->use_ipv6({ip::ipv6::Setup::Mode::kStatic, {at6(6, 0).address, 64}}, {});
  co_await async::sleep(seconds(3));  // duplicate address detection ends
  for (sim::Link* link : lab->links) link->options = lab->scenario.link;
  lab->links[2]->options.up = lab->scenario.v6 != Path::kDead;
  lab->links[3]->options.up = lab->scenario.v4 != Path::kDead;
  std::vector<std::unique_ptr<stack::Tcp::Listener>> listeners;
  for (const auto& [stack, path] :
       {std::pair(six.get(), lab->scenario.v6), std::pair(four.get(), lab->scenario.v4)}) {
    stack::Tcp& tcp = stack->tcp();  // which refuses without a listener
    if (path == Path::kWorks) listeners.push_back(std::move(*tcp.listen({IpAddress(), kPort}, 16)));
  }

  PlatformRandom random;
  FixedNames names{{at(2, 0).address}};
  auto made =
      co_await Resolver::connect(world->context, client->udp(), client->tcp(), names, random, {});
  LateNames late{made->get(), lab->scenario.aaaa, lab->scenario.a};
  Connector connector(world->context, client->tcp(), late);
  async::Scope serving;
  serving.spawn(server.serve_udp(serving.token()));
  serving.spawn(server.serve_tcp(serving.token()));
  if (lab->scenario.destroyed) {
    std::optional<async::Background> connecting;
    connecting.emplace(connect(lab, &connector, client.get()));
    co_await async::sleep(*lab->scenario.destroyed);
  } else {
    co_await connect(lab, &connector, client.get());
  }
  made->reset();
  serving.cancel();
  co_await serving.join();
  listeners.clear();
  co_await async::sleep(seconds(120));  // until TIME-WAIT has ended
  for (Stack* each : {client.get(), six.get(), four.get()})
    EXPECT_EQ(each->tcp().table().connections(), 0U);
  co_return 0;
}

Outcome run(const Scenario& how) {
  Lab lab(how);
  lab.world.platform.run([&] { return scenario(&lab); });
  return lab.outcome;
}

const IpAddress kSix = at6(6, 0).address, kFour = at(4, 0).address;

TEST(EyeballsSim, ADeadPathDelaysAConnectionByTheAttemptDelay) {
  const Outcome healthy = run({});
  EXPECT_EQ(healthy.peer, kSix);
  EXPECT_LT(healthy.took, milliseconds(25));
  const Outcome dead = run({.v6 = Path::kDead});
  EXPECT_EQ(dead.peer, kFour);
  EXPECT_LE(dead.took - healthy.took, milliseconds(250));
  EXPECT_GT(dead.took - healthy.took, milliseconds(240));  // no sooner than IPv6's head start
  EXPECT_EQ(run({.v4 = Path::kDead}).took, healthy.took);
}

TEST(EyeballsSim, ARefusalCostsARoundTrip) {
  const Outcome refused = run({.v6 = Path::kRefuses});
  EXPECT_EQ(refused.peer, kFour);
  EXPECT_LT(refused.took, milliseconds(40));
}

TEST(EyeballsSim, ALateAddressDelaysAConnectionByTheResolutionDelay) {
  const Outcome late = run({.aaaa = seconds(2)});
  EXPECT_EQ(late.peer, kFour);
  EXPECT_LT(late.took, milliseconds(50 + 25));
  const Outcome joins = run({.v4 = Path::kDead, .aaaa = seconds(2)});
  EXPECT_EQ(joins.peer, kSix);
  EXPECT_LT(joins.took, milliseconds(2000 + 25));
}

TEST(EyeballsSim, ReturnsTheReason) {
  EXPECT_EQ(run({.v6 = Path::kRefuses, .v4 = Path::kRefuses}).error, "flow: connection refused");
  EXPECT_EQ(run({.host = "none.example.org."}).error, "resolver: the name does not exist");
  const Outcome dead = run({.v6 = Path::kDead, .v4 = Path::kDead, .wait = seconds(2)});
  EXPECT_EQ(dead.error, "wait: the deadline has passed");
  EXPECT_EQ(dead.took, seconds(2));
}

TEST(EyeballsSim, ConnectsToAnAddressInText) {
  EXPECT_EQ(run({.host = "10.0.0.4"}).peer, kFour);
  EXPECT_EQ(run({.host = "2001:db8::6"}).peer, kSix);
}

Scenario drawn(unsigned seed) {
  std::mt19937 random(seed);
  Scenario how;
  how.seed = seed;
  how.v6 = static_cast<Path>(random() % 3);
  how.v4 = static_cast<Path>(random() % 3);
  how.aaaa = milliseconds(random() % 400);
  how.a = milliseconds(random() % 400);
  how.link.delay = milliseconds(1 + random() % 10);
  if (random() % 2 == 0) {
    how.link.loss = how.link.duplication = 50;
    how.link.reordering = 100;
  }
  if (random() % 4 == 0) how.destroyed = milliseconds(random() % 900);
  return how;
}

// Connects if a path works, within the delays of RFC 8305 if no frame is lost; and no scenario
// leaves a connection.
TEST(EyeballsSim, EveryScenarioEndsAsItsPathsAllow) {
  unsigned connected = 0;
  for (unsigned seed = 1; seed <= sim::effort(300, 10'000); ++seed) {
    SCOPED_TRACE(seed);
    const Scenario how = drawn(seed);
    const Outcome outcome = run(how);
    if (how.destroyed) continue;
    const bool six = how.v6 == Path::kWorks, four = how.v4 == Path::kWorks;
    EXPECT_LE(outcome.took, how.wait);
    if (!six && !four) {
      EXPECT_FALSE(outcome.error.empty());
      continue;
    }
    EXPECT_TRUE(outcome.peer) << outcome.error;
    EXPECT_TRUE((six && outcome.peer == kSix) || (four && outcome.peer == kFour));
    ++connected;
    if (how.link.loss != 0) continue;
    Duration alone = seconds(9);  // the lookup of the first family that works
    if (six) alone = std::min(alone, how.aaaa);
    if (four) alone = std::min(alone, how.a);
    // Lookup, resolution of hardware addresses and handshake take two round trips each at most.
    EXPECT_LE(outcome.took, alone + milliseconds(50 + 250) + how.link.delay * 16);
  }
  EXPECT_GT(connected, 100U);
}

}  // namespace
}  // namespace fata::test
