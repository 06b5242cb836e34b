// A flood of queries with spoofed sources against the name server over the simulated network. The
// spoofed prefix receives no more than the rate limit, and other clients are answered meanwhile.
#include <map>
#include <set>

#include "fata/dns/udp_server.hpp"
#include "fata/sim/effort.hpp"
#include "fata/wire/checksum.hpp"
#include "world.hpp"

namespace fata::test {
namespace {

constexpr std::string_view kZone =
    "$ORIGIN example.org.\n$TTL 60\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\nns A "
    "192.0.2.1\nwww A 192.0.2.80\n";
constexpr std::uint32_t kRate = 200;
constexpr Ipv4Address kServer = Ipv4Address::of(10, 0, 0, 2),
                      kRouter = Ipv4Address::of(10, 0, 0, 254);
constexpr std::size_t kEthernet = 14, kIp = 20, kUdp = 8;

// The router of the server's network, and the world behind it. Sends queries from any address, and
// counts the answers to each.
class Router final : public sim::Port {
 public:
  explicit Router(MacAddress server) : server_(server) {}

  struct Tally {
    unsigned whole = 0, truncated = 0;
    std::size_t octets = 0;
    std::set<std::uint16_t> answered;  // ids with a whole answer
  };
  std::map<std::uint32_t, Tally> received;  // by address

  void ask(Ipv4Address from, std::uint16_t id, std::string_view label, std::size_t& octets) {
    std::string query{static_cast<char>(id >> 8), static_cast<char>(id)};
    query += std::string("\1\0\0\1\0\0\0\0\0\0", 10) + static_cast<char>(label.size());
    query += std::string(label) + std::string("\7example\3org\0\0\1\0\1", 17);
    sim::WireFrame frame;
    frame.bytes.resize(kEthernet + kIp + kUdp + query.size());
    ByteWriter out{MutableBytes(frame.bytes)};
    ethernet(out, 0x0800);
    const auto ip_size = static_cast<std::uint16_t>(kIp + kUdp + query.size());
    out.u16(0x4500);
    out.u16(ip_size);
    out.u32(0);
    out.u16(64 << 8 | 17);
    out.u16(0);
    out.u32(from.value);
    out.u32(kServer.value);
    const MutableBytes ip = MutableBytes(frame.bytes).subspan(kEthernet, kIp);
    store_be(ip.subspan(10, 2), wire::checksum(ip));
    out.u16(40'000);
    out.u16(53);
    out.u16(static_cast<std::uint16_t>(kUdp + query.size()));
    out.u16(0);  // no checksum, which UDP over IPv4 permits
    out.bytes(as_bytes(query));
    EXPECT_TRUE(out.ok());
    octets += query.size();
    (void)transmit(std::move(frame));
  }

  void arrive(sim::WireFrame&& frame) override {
    const Bytes bytes(frame.bytes);
    const auto type = load_be<std::uint16_t>(bytes.subspan(12));
    if (type == 0x0806) return resolve(bytes);
    if (type != 0x0800 || bytes.size() < kEthernet + kIp + kUdp + 12 ||
        bytes[kEthernet + 9] != std::byte{17})
      return;
    Tally& tally = received[load_be<std::uint32_t>(bytes.subspan(kEthernet + 16))];
    const Bytes message = bytes.subspan(kEthernet + kIp + kUdp);
    tally.octets += message.size();
    const bool truncated = (load_be<std::uint16_t>(message.subspan(2)) & 0x0200) != 0;
    ++(truncated ? tally.truncated : tally.whole);
    if (!truncated) tally.answered.insert(load_be<std::uint16_t>(message));
  }

 private:
  void ethernet(ByteWriter& out, std::uint16_t type) {
    out.bytes(server_.octets);
    out.bytes(kMac.octets);
    out.u16(type);
  }
  // Answers an ARP request for the router.
  void resolve(Bytes request) {
    if (request.size() < 42 || load_be<std::uint16_t>(request.subspan(20)) != 1) return;
    if (load_be<std::uint32_t>(request.subspan(38)) != kRouter.value) return;
    sim::WireFrame frame;
    frame.bytes.resize(60);
    ByteWriter out{MutableBytes(frame.bytes)};
    ethernet(out, 0x0806);
    out.u32(0x00010800);
    out.u32(0x06040002);
    out.bytes(kMac.octets);
    out.u32(kRouter.value);
    out.bytes(request.subspan(22, 10));
    (void)transmit(std::move(frame));
  }

  static constexpr MacAddress kMac{{std::byte{2}, {}, {}, {}, {}, std::byte{0xfe}}};
  MacAddress server_;
};

struct SimClock {
  sim::Platform* platform;
  Instant now() { return platform->now(); }
  WallTime wall() { return {1'700'000'000'000'000'000 + platform->now().ns}; }
  Duration wall_error() { return kInfinite; }
};

async::Task<void> serve(dns::Engine* engine, Socket* socket, Counter* dropped,
                        async::CancelToken stop, dns::Guard* guard) {
  EXPECT_TRUE(
      co_await dns::serve_udp(engine, socket, dropped, stop, {guard, &async::current_loop()}));
}

struct Flood {
  unsigned seconds = 8;
  std::uint32_t first = Ipv4Address::of(198, 51, 100, 0).value;  // the first source address
  std::uint32_t addresses = 16;
  unsigned queries_a_second = 5000;
};

// Sends queries from the flood's addresses, and ten per second from an honest client, which sends
// each up to three times. `asked` counts the octets of the flood's queries.
async::Task<void> flood(World* world, Router* router, const Flood* how, Ipv4Address honest,
                        std::size_t* asked) {
  const Duration pause = seconds(1) / how->queries_a_second;
  const Instant end = world->platform.now() + seconds(how->seconds);
  std::size_t ignored = 0;
  Instant honest_at = world->platform.now();
  std::uint16_t id = 0;
  for (unsigned tries = 0; world->platform.now() < end;) {
    const auto at = static_cast<std::uint32_t>(world->platform.random() % how->addresses);
    router->ask({how->first + at}, static_cast<std::uint16_t>(world->platform.random()), "www",
                *asked);
    if (world->platform.now() >= honest_at) {
      if (router->received[honest.value].answered.contains(id) || tries == 3) ++id, tries = 0;
      router->ask(honest, id, "www", ignored);
      ++tries;
      honest_at = honest_at + milliseconds(100);
    }
    co_await async::sleep(pause);
  }
  co_await async::sleep(seconds(1));
}

async::Task<int> flooded(World* world, sim::NetDevice* nic, Router* router, Flood how) {
  dns::Engine engine;
  EXPECT_TRUE(engine.load("example.org.zone", kZone));
  engine.build();
  std::array<std::byte, dns::Guard::kSeedSize> seed;
  for (std::byte& octet : seed) octet = static_cast<std::byte>(world->platform.random());
  SimClock clock{&world->platform};
  dns::Guard guard({kRate}, {}, seed, &clock);
  const auto server = co_await host(world, nic, {kServer, 24}, kRouter);
  const auto socket = bound(*server, 53);
  Counter dropped{"dropped"};
  async::Scope scope;
  scope.spawn(serve(&engine, socket.get(), &dropped, scope.token(), &guard));
  co_await async::sleep(seconds(5));  // address conflict detection ends
  const Ipv4Address honest = Ipv4Address::of(203, 0, 113, 9);
  std::size_t asked = 0;
  co_await flood(world, router, &how, honest, &asked);
  scope.cancel();
  co_await scope.join();

  std::map<std::uint32_t, Router::Tally> prefixes;
  for (const auto& [address, tally] : router->received) {
    Router::Tally& sum = prefixes[address >> 8];
    sum.whole += tally.whole;
    sum.truncated += tally.truncated;
    sum.octets += tally.octets;
  }
  const Router::Tally& good = router->received[honest.value];
  EXPECT_GE(good.whole, how.seconds * 10 * 9 / 10) << "of ten a second";
  EXPECT_EQ(good.truncated, 0U);
  std::size_t octets = 0;
  for (const auto& [prefix, sum] : prefixes) {
    if (prefix == honest.value >> 8) continue;
    EXPECT_LE(sum.whole, kRate * (how.seconds + 1));
    EXPECT_LE(sum.truncated, how.queries_a_second * how.seconds / 2);
    octets += sum.octets;
  }
  if (how.addresses <= 256) {
    EXPECT_GE(prefixes[how.first >> 8].whole, kRate * how.seconds * 9 / 10);
    EXPECT_GT(guard.counters()[dns::Guard::kLimited].value, 0U);
    EXPECT_LT(octets, asked) << "the flood is smaller than what made it";
  }
  co_return 0;
}

void run_flood(std::uint64_t seed, const Flood& how) {
  SCOPED_TRACE(seed);
  World world(seed);
  sim::NetDevice& nic = world.nic();
  Router router(nic.mac());
  sim::LinkOptions link;
  link.loss = seed % 2 == 0 ? 10 : 0;
  link.jitter = microseconds(300);
  world.network.join(router, nic, link);
  world.platform.run([&] { return flooded(&world, &nic, &router, how); });
}

TEST(DnsFlood, OnePrefixReceivesTheRateAndOthersAreAnswered) {
  for (std::uint64_t seed = 1; seed <= sim::effort(1, 4); ++seed) run_flood(seed, {});
}

TEST(DnsFlood, SoDoSixteenPrefixes) {
  for (std::uint64_t seed = 1; seed <= sim::effort(1, 2); ++seed)
    run_flood(seed, {.addresses = 16 * 256});
}

}  // namespace
}  // namespace fata::test
