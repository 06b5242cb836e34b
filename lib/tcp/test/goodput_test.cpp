// Goodput under random loss: CUBIC's Reno-friendliness (RFC 9438 section 4.3), in virtual time.
#include <cmath>

#include "fata/sim/effort.hpp"

#include "wire.hpp"

namespace fata::tcp::test {
namespace {

struct Outcome {
  double bytes_a_second;
  std::uint64_t timeouts, recoveries;
};

Outcome stream(double loss, Duration one_way, Duration time, std::uint32_t seed) {
  WireOptions options;
  options.delay = one_way;
  Wire wire(options, {}, seed);
  std::mt19937 random(seed);
  wire.drop = [&](const Seen&) {
    return std::uniform_real_distribution<double>(0, 1)(random) < loss;
  };
  Listener* listener = *wire.right().listen({IpAddress{}, 80}, 8, nullptr);
  BufferPool source{4096, 1536};
  App client, server;
  client.text = pattern(1 << 20);
  client.connection = *wire.left().connect({}, wire.at(1, 80), {}, &client, wire.now);
  std::uint64_t got = 0;
  const auto step = [&] {
    wire.seen.clear();
    if (server.connection == nullptr) server.connection = wire.right().accept(*listener);
    if (client.sent == client.text.size()) client.sent = 0;
    client.feed(source, wire.now);
    if (server.connection != nullptr) {
      for (Slice slice = server.connection->read(wire.now); !slice.empty();
           slice = server.connection->read(wire.now))
        got += slice.size();
    }
    return false;
  };
  wire.run(step, time);
  Outcome outcome{static_cast<double>(got) / (static_cast<double>(time.ns) / 1e9),
                  wire.left().counters()[Table::kTimeouts].value,
                  wire.left().counters()[Table::kRecoveries].value};
  for (App* app : {&client, &server}) app->connection->abort(wire.now);
  wire.left().release(std::exchange(client.connection, nullptr), wire.now);
  wire.right().release(std::exchange(server.connection, nullptr), wire.now);
  wire.right().close(listener, wire.now);
  return outcome;
}

TEST(TcpGoodput, AtRandomLossIsWhatRenosFormulaPromises) {
  // Mathis et al.: MSS / RTT * sqrt(3/2) / sqrt(p).
  const double formula = 1448 / 0.020 * std::sqrt(1.5) / std::sqrt(0.01);
  Outcome all{};
  const unsigned seeds = sim::effort(1, 3);
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    const Outcome one = stream(0.01, milliseconds(10), seconds(40), seed);
    all.bytes_a_second += one.bytes_a_second / seeds;
    all.timeouts += one.timeouts;
    all.recoveries += one.recoveries;
  }
  EXPECT_GT(all.bytes_a_second, 0.9 * formula);
  EXPECT_LT(all.timeouts, all.recoveries / 25);
}

}  // namespace
}  // namespace fata::tcp::test
