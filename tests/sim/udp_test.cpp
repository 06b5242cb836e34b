// UDP between two hosts, over links of every quality.
#include "world.hpp"

namespace fata::test {
namespace {

constexpr unsigned kRounds = 12;

// Repeats each question until the right answer arrives. Skips late answers to earlier questions.
async::Task<unsigned> ask(sim::Platform* platform, Socket* socket, Endpoint server) {
  unsigned answered = 0;
  for (unsigned round = 0; round < kRounds; ++round) {
    std::string question = std::to_string(round) + ":";
    const std::size_t size = platform->random() % (socket->max_payload() - question.size() + 1);
    for (std::size_t i = 0; i < size; ++i) question += static_cast<char>(platform->random());
    bool done = false;
    for (unsigned tries = 0; tries < 2000 && !done; ++tries) {
      co_await send(socket, server, question);
      const Instant until = platform->now() + milliseconds(20);
      while (!done && platform->now() < until) {
        const auto answer = co_await receive(socket, until - platform->now());
        if (!answer) break;
        done = answer->text == question;
        EXPECT_EQ(answer->from, server);
        EXPECT_TRUE(done || std::stoul(answer->text) < round)
            << "an answer that was never asked for";
      }
    }
    answered += done ? 1 : 0;
  }
  co_return answered;
}

async::Task<int> exchange(World* world, sim::NetDevice* a, sim::NetDevice* b) {
  const auto client = co_await host(world, a, cidr(1));
  const auto server = co_await host(world, b, cidr(2));
  const auto asking = bound(*client, 0);
  const auto answering = bound(*server, 7);
  async::Scope scope;
  scope.spawn(echo(answering.get(), scope.token()));
  EXPECT_EQ(co_await ask(&world->platform, asking.get(), at(2, 7)), kRounds);
  scope.cancel();
  co_await scope.join();
  co_await async::sleep(seconds(1));  // frames in flight arrive while the hosts still exist
  co_return 0;
}

async::Task<int> exchange_ipv6(World* world, sim::NetDevice* a, sim::NetDevice* b) {
  const auto client = co_await host(world, a, cidr(1));
  const auto server = co_await host(world, b, cidr(2));
  client->use_ipv6({ip::ipv6::Setup::Mode::kStatic, {at6(1, 0).address, 64}}, {});
  server->use_ipv6({ip::ipv6::Setup::Mode::kStatic, {at6(2, 0).address, 64}}, {});
  co_await async::sleep(seconds(2));  // duplicate address detection ends
  const auto asking = bound(*client, 0);
  const auto answering = bound(*server, 7);
  async::Scope scope;
  scope.spawn(echo(answering.get(), scope.token()));
  EXPECT_EQ(co_await ask(&world->platform, asking.get(), at6(2, 7)), kRounds);
  scope.cancel();
  co_await scope.join();
  co_await async::sleep(seconds(1));
  co_return 0;
}

sim::LinkOptions bad_link(std::uint64_t seed) {
  sim::LinkOptions link;
  link.jitter = microseconds(300);
  link.loss = 100 + seed % 200;
  link.duplication = 150;
  link.reordering = 100;
  return link;
}

struct Outcome {
  std::uint64_t digest;
  std::int64_t ended_ns;
  std::uint64_t lost, repeated, held_back;
};
Outcome run_on_bad_links(std::uint64_t seed, bool checksum_offload) {
  World world(seed);
  sim::DeviceOptions options;
  options.checksum_offload = checksum_offload;
  sim::NetDevice& a = world.nic(options);
  sim::NetDevice& b = world.nic();
  sim::LearningSwitch& middle = world.network.add_switch();
  const sim::Link& link = world.network.join(a, middle.port(), bad_link(seed));
  world.network.join(middle.port(), b, bad_link(seed + 1));
  EXPECT_EQ(world.platform.run([&] { return exchange(&world, &a, &b); }), 0);
  return {world.network.digest(), world.platform.now().ns, link.count(sim::Fate::kLost),
          link.count(sim::Fate::kRepeated), link.count(sim::Fate::kHeldBack)};
}

TEST(UdpOverBadLinks, EveryQuestionIsAnsweredInTheEndWithAnySeed) {
  std::uint64_t lost = 0, repeated = 0, held_back = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    const Outcome outcome = run_on_bad_links(seed, seed % 2 == 0);
    lost += outcome.lost;
    repeated += outcome.repeated;
    held_back += outcome.held_back;
    if (testing::Test::HasFailure()) break;
  }
  // The links lost, repeated and delayed as many frames as configured.
  EXPECT_GT(lost, 500u);
  EXPECT_GT(repeated, 300u);
  EXPECT_GT(held_back, 300u);
}

TEST(UdpOverBadLinks, EveryQuestionIsAnsweredOverIpv6Too) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    sim::DeviceOptions options;
    options.checksum_offload = seed % 2 == 0;
    sim::NetDevice& a = world.nic(options);
    sim::NetDevice& b = world.nic();
    sim::LearningSwitch& middle = world.network.add_switch();
    world.network.join(a, middle.port(), bad_link(seed));
    world.network.join(middle.port(), b, bad_link(seed + 1));
    EXPECT_EQ(world.platform.run([&] { return exchange_ipv6(&world, &a, &b); }), 0);
    if (testing::Test::HasFailure()) break;
  }
}

TEST(UdpOverBadLinks, TheSameSeedGivesTheSameFramesAtTheSameTimes) {
  for (const std::uint64_t seed : {3, 4, 77}) {
    const Outcome first = run_on_bad_links(seed, false);
    const Outcome again = run_on_bad_links(seed, false);
    EXPECT_EQ(first.digest, again.digest);
    EXPECT_EQ(first.ended_ns, again.ended_ns);
    EXPECT_NE(first.digest, run_on_bad_links(seed + 1, false).digest);
  }
}

async::Task<int> exchange_damaged(World* world, sim::NetDevice* a, sim::NetDevice* b,
                                  sim::Link* link, std::uint64_t* caught) {
  const auto client = co_await host(world, a, cidr(1));
  const auto server = co_await host(world, b, cidr(2));
  const auto asking = bound(*client, 0);
  const auto answering = bound(*server, 7);
  async::Scope scope;
  scope.spawn(echo(answering.get(), scope.token()));
  EXPECT_EQ(co_await ask(&world->platform, asking.get(), at(2, 7)), kRounds);
  // Damage starts only now: ARP has no checksum, and would accept damaged packets.
  link->options.corruption = 300;
  EXPECT_EQ(co_await ask(&world->platform, asking.get(), at(2, 7)), kRounds);
  scope.cancel();
  co_await scope.join();
  co_await async::sleep(seconds(1));
  for (const ip::Host* each : {&client->host(), &server->host()}) {
    for (const std::string_view which : {"udp_checksum", "ip_checksum", "bad_ip", "bad_udp"}) {
      *caught += each->count(which);
    }
  }
  co_return 0;
}

TEST(UdpOverDamagingLinks, DamagedDatagramsAreNeverDelivered) {
  std::uint64_t damaged = 0, caught = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    sim::DeviceOptions options;
    options.checksum_offload = seed % 2 == 0;
    sim::NetDevice& a = world.nic(options);
    sim::NetDevice& b = world.nic(options);
    sim::Link& link = world.network.join(a, b);
    world.platform.run([&] { return exchange_damaged(&world, &a, &b, &link, &caught); });
    damaged += link.count(sim::Fate::kDamaged);
  }
  EXPECT_GT(damaged, 200u);
  EXPECT_GT(caught, damaged * 9 / 10);  // the rest hit the Ethernet header
}

}  // namespace
}  // namespace fata::test
