// The name server over the simulated network.
#include "fata/dns/udp_server.hpp"
#include "world.hpp"

namespace fata::test {
namespace {

constexpr std::string_view kZone =
    "$ORIGIN example.org.\n$TTL 60\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\nns A "
    "192.0.2.1\nwww A 192.0.2.80\n";

std::string query(std::uint16_t id, std::string_view label) {
  std::string text;
  text += static_cast<char>(id >> 8);
  text += static_cast<char>(id);
  text += std::string("\1\0\0\1\0\0\0\0\0\0", 10);
  text += static_cast<char>(label.size());
  text += label;
  text += std::string("\7example\3org\0\0\1\0\1", 17);
  return text;
}

async::Task<void> serve(dns::Engine* engine, Socket* socket, Counter* dropped,
                        async::CancelToken stop) {
  EXPECT_TRUE(co_await dns::serve_udp(engine, socket, dropped, stop));
}

async::Task<int> lookups(World* world, sim::NetDevice* a, sim::NetDevice* b) {
  dns::Engine engine;
  EXPECT_TRUE(engine.load("example.org.zone", kZone));
  engine.build();
  const auto client = co_await host(world, a, cidr(1));
  const auto server = co_await host(world, b, cidr(2));
  const auto socket = bound(*server, 53);
  const auto asking = bound(*client, 0);
  Counter dropped{"dropped"};
  async::Scope scope;
  scope.spawn(serve(&engine, socket.get(), &dropped, scope.token()));
  for (std::uint16_t id = 1; id <= 50; ++id) {
    const bool exists = id % 2 == 0;
    std::optional<Received> answer;
    for (unsigned tries = 0; tries < 100; ++tries) {
      co_await send(asking.get(), at(2, 53), query(id, exists ? "www" : "none"));
      // Skips repeated answers to an earlier question.
      do {
        answer = co_await receive(asking.get(), milliseconds(200));
      } while (answer && as_bytes(answer->text)[1] != static_cast<std::byte>(id));
      if (answer) break;
    }
    EXPECT_TRUE(answer.has_value());
    if (!answer) break;
    const Bytes message = as_bytes(answer->text);
    EXPECT_EQ(answer->from, at(2, 53));
    EXPECT_EQ(static_cast<unsigned>(message[3]) & 0xf, exists ? 0u : 3u);
    EXPECT_EQ(load_be<std::uint16_t>(message.subspan(6)), exists ? 1u : 0u);
    if (exists) EXPECT_EQ(load_be<std::uint32_t>(message.last(4)), 0xc0000250u);
  }
  scope.cancel();
  co_await scope.join();
  co_await async::sleep(seconds(1));
  EXPECT_EQ(dropped.value, 0u);
  co_return 0;
}

TEST(Dns, AnswersOverLinksThatLoseRepeatAndReorder) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    sim::DeviceOptions options;
    options.checksum_offload = seed % 2 == 0;
    sim::NetDevice& a = world.nic();
    sim::NetDevice& b = world.nic(options);
    sim::LinkOptions link;
    link.loss = 100;
    link.duplication = 100;
    link.reordering = 100;
    world.network.join(a, b, link);
    world.platform.run([&] { return lookups(&world, &a, &b); });
  }
}

}  // namespace
}  // namespace fata::test
