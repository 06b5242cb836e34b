// Clocks that follow NTP servers, on simulated networks: lost, late and repeated datagrams, false
// servers, a host that sets its clock.
#include <cstdlib>

#include "../../lib/sntp/test/server.hpp"
#include "fata/platform_devices/devices.hpp"
#include "fata/sig/names.hpp"
#include "fata/sntp/network_clock.hpp"
#include "world.hpp"

namespace fata::test {
namespace {

using platform_devices::Clock;

// What a lease announces.
struct Announced {
  std::vector<IpAddress> servers;
  std::size_t name_servers(std::span<IpAddress>) const { return 0; }
  void write_domain(TextWriter&) const {}
  std::size_t time_servers(std::span<IpAddress> out) const {
    return static_cast<std::size_t>(std::ranges::copy(servers, out.begin()).out - out.begin());
  }
};
using NetworkClock =
    sntp::NetworkClock<Clock, stack::UdpOn<Stack::Core>, Announced, PlatformRandom>;

WallTime utc() { return {sim::kWallAtStart.ns + platform::monotonic_now().ns}; }
Duration wrong() { return nanoseconds(std::abs(platform::wall_now().ns - utc().ns)); }

async::Task<void> serve(Socket* socket, const sntp::TimeServer* how, async::CancelToken stop) {
  std::array<sig::RxDatagram, 4> in;
  for (;;) {
    const auto count = co_await socket->receive(std::span(in), async::Wait::cancelled_by(stop));
    if (!count) co_return;
    for (sig::RxDatagram& each : std::span(in).first(*count)) {
      const auto reply = how->answer(each.payload.bytes(), utc(), utc());
      co_await send(socket, each.source, std::string(as_text(reply)));
      each.payload = {};
    }
  }
}

// A network of a client and as many servers as there are ways to lie.
struct Net : World {
  Net(std::uint64_t seed, std::vector<Duration> lies, const sim::LinkOptions& how = {})
      : World(seed) {
    sim::LearningSwitch& hub = network.add_switch();
    for (const Duration lie : lies) {
      server_nics.push_back(&nic());
      network.join(*server_nics.back(), hub.port(), how);
      servers.push_back({.lie = lie});
    }
    network.join(client_nic, hub.port(), how);
  }
  sim::NetDevice& client_nic = nic();
  std::vector<sim::NetDevice*> server_nics;
  std::vector<sntp::TimeServer> servers;
};

struct Result {
  Duration wrong, error;
  bool synchronized = false;
  std::uint64_t sent = 0;
};

async::Task<int> follow(Net* net, bool given, Duration how_long, Result* result) {
  std::vector<std::unique_ptr<Stack>> hosts;
  std::vector<std::unique_ptr<Socket>> sockets;
  async::Scope scope;
  Announced announced;
  for (std::size_t i = 0; i < net->servers.size(); ++i) {
    const auto number = static_cast<std::uint8_t>(i + 2);
    hosts.push_back(co_await host(net, net->server_nics[i], cidr(number)));
    sockets.push_back(bound(*hosts.back(), sntp::kPort));
    scope.spawn(serve(sockets.back().get(), &net->servers[i], scope.token()));
    announced.servers.push_back(at(number, 0).address);
  }
  sntp::Servers parameter;
  if (given) {
    for (const IpAddress& each : announced.servers) parameter.push(each);
    announced.servers.clear();
  }
  const auto client = co_await host(net, &net->client_nic, cidr(1));
  {
    Clock clock;
    PlatformRandom random;
    NetworkClock network(net->context, clock, client->udp(), announced, random, parameter);
    co_await async::sleep(how_long);
    *result = {wrong(), network.wall_error(), network.client().is_synchronized(),
               network.client().count(sntp::Client::kSent)};
    EXPECT_EQ(network.wall(), platform::wall_now());
  }
  scope.cancel();
  co_await scope.join();
  co_await async::sleep(seconds(1));  // frames in flight arrive while the hosts still exist
  co_return 0;
}
Result run(Net& net, bool given, Duration how_long = seconds(10)) {
  Result result;
  EXPECT_EQ(net.platform.run([&] { return follow(&net, given, how_long, &result); }), 0);
  return result;
}

TEST(NetworkClock, FollowsTheServersOfTheParameterOrOfTheLease) {
  for (const bool given : {true, false}) {
    Net net(1, {Duration{}});
    net.platform.wall_at_start.ns += milliseconds(700).ns;
    const Result result = run(net, given);
    EXPECT_TRUE(result.synchronized);
    EXPECT_EQ(result.sent, 1u);
    EXPECT_LE(result.wrong, result.error);
    EXPECT_LE(result.error, milliseconds(15));
    EXPECT_NE(net.platform.log().find("info sntp: the wall clock follows NTP, error at most "),
              std::string::npos)
        << net.platform.log();
  }
}

TEST(NetworkClock, WithoutServersIsTheHosts) {
  Net net(1, {});
  net.platform.wall_at_start.ns += milliseconds(700).ns;
  const Result result = run(net, false, seconds(500));
  EXPECT_FALSE(result.synchronized);
  EXPECT_EQ(result.wrong, milliseconds(700));
  EXPECT_EQ(result.error, seconds(1));
}

TEST(NetworkClock, LogsADisagreementAndUsesTheHostsClock) {
  Net net(1, {seconds(5)});
  const Result result = run(net, true, seconds(500));
  EXPECT_EQ(result.wrong, Duration{});
  const std::string& log = net.platform.log();
  const std::string_view line =
      "warning sntp: the NTP servers contradict each other or the host, whose clock is used";
  EXPECT_NE(log.find(line), log.npos) << log;
  EXPECT_EQ(log.find(line), log.rfind(line)) << "once";
}

TEST(NetworkClock, OfAMajorityIsRightOnBadLinksWithEverySeed) {
  unsigned synchronized = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    sim::LinkOptions link;
    link.delay = milliseconds(static_cast<std::int64_t>(seed % 50));
    link.jitter = milliseconds(20);
    link.loss = 20 + seed % 50;
    link.duplication = 100;
    link.reordering = 100;
    Net net(seed, {milliseconds(static_cast<std::int64_t>(seed) * 40 - 2000), {}, {}}, link);
    net.platform.wall_at_start.ns += seconds(static_cast<std::int64_t>(seed)).ns - seconds(50).ns;
    const Result result = run(net, seed % 2 == 0, seconds(1000));
    synchronized += result.synchronized;
    if (result.synchronized) {
      EXPECT_LE(result.wrong, result.error) << seed;
    }
    EXPECT_LE(result.sent, 3u * 6) << seed;
  }
  EXPECT_GE(synchronized, 98u);
}

}  // namespace
}  // namespace fata::test
