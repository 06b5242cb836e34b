// Each packet of a transfer is lost in turn, as the only one, over many sizes, round trips and
// windows. RACK and tail loss probes must repair the loss; a retransmission timeout costs a window
// and a long wait. With FATA_ALL_LOSSES set, the test covers many more transfers.
#include <cstdlib>

#include "wire.hpp"

namespace fata::tcp::test {
namespace {

struct Case {
  std::size_t segments;
  Duration delay;
  std::uint32_t window;
};
struct Tally {
  unsigned losses = 0;
  unsigned timeouts = 0;  // losses after which a retransmission timer expired
  std::string where;
};

enum class Lost : std::uint8_t { kData, kAck };

// Loses the n-th packet of its kind in the n-th transfer, until a transfer has fewer.
void lose_each(const Case& how, Lost kind, Tally& tally) {
  Config config;
  config.receive_max = how.window;
  config.receive_first = std::min(config.receive_first, how.window);
  Wire wire({.delay = how.delay}, config, 1, config);
  BufferPool source(4096, 1536);
  Listener* listener = *wire.right().listen({IpAddress{}, 80}, 4, nullptr);
  const auto timeouts = [&] {
    return wire.left().count(Table::kTimeouts) + wire.right().count(Table::kTimeouts);
  };
  for (unsigned lost = 0;; ++lost) {
    unsigned count = 0;
    bool hit = false;
    wire.seen.clear();
    wire.drop = [&](const Seen& seen) {
      const bool payload = seen.length != 0 || seen.header.has(kFin);
      if (seen.header.has(kSyn) || seen.header.has(kRst)) return false;
      if (kind == Lost::kData ? seen.side != 0 || !payload : seen.side != 1 || payload)
        return false;
      return count++ == lost && (hit = true);
    };
    const std::uint64_t before = timeouts();
    App client, server;
    client.connection = *wire.left().connect({}, wire.at(1, 80), {}, &client, wire.now);
    ASSERT_TRUE(
        wire.run([&] { return (server.connection = wire.right().accept(*listener)) != nullptr; }));
    client.text = pattern(how.segments * 1448);
    bool closed = false;
    ASSERT_TRUE(wire.run([&] {
      client.feed(source, wire.now);
      if (client.sent == client.text.size() && !std::exchange(closed, true))
        client.connection->shutdown(wire.now);
      server.drain(wire.now);
      return server.connection->at_end() && client.connection->state() == State::kFinWait2;
    })) << "packet "
        << lost;
    ASSERT_EQ(server.received, client.text);
    tally.losses += hit;
    if (timeouts() != before) {
      ++tally.timeouts;
      tally.where += std::to_string(how.segments) + " segments, delay " +
                     std::to_string(how.delay.ns / 1000) + " us, window " +
                     std::to_string(how.window) + (kind == Lost::kData ? ", data " : ", ACK ") +
                     std::to_string(lost) + "\n";
    }
    client.connection->abort(wire.now);
    wire.left().release(std::exchange(client.connection, nullptr), wire.now);
    wire.run_for(seconds(1));
    wire.right().release(std::exchange(server.connection, nullptr), wire.now);
    if (!hit) break;
  }
  wire.right().close(listener, wire.now);
}

Tally lose_all(Lost kind) {
  Tally tally;
  const bool all = std::getenv("FATA_ALL_LOSSES") != nullptr;
  for (const std::size_t segments : {1, 2, 3, 5, 12, 40, 90}) {
    for (const Duration delay :
         {microseconds(50), milliseconds(10), milliseconds(1), milliseconds(100)}) {
      if (!all && (segments > 40 || delay == milliseconds(1) || delay == milliseconds(100)))
        continue;
      for (const std::uint32_t window : {6000U, 40'000U, 1U << 20}) {
        if (window > segments * 1448 * 4 && window > 40'000) continue;
        lose_each({segments, delay, window}, kind, tally);
      }
    }
  }
  return tally;
}

TEST(TcpSingleLoss, OfDataIsMendedWithoutATimeoutInOver99Percent) {
  const Tally tally = lose_all(Lost::kData);
  EXPECT_GT(tally.losses, 250U);
  EXPECT_LT(tally.timeouts * 100, tally.losses) << tally.timeouts << " of " << tally.losses << ":\n"
                                                << tally.where;
}

TEST(TcpSingleLoss, OfAnAcknowledgementIsMendedWithoutATimeoutInOver99Percent) {
  const Tally tally = lose_all(Lost::kAck);
  EXPECT_GT(tally.losses, 80U);
  EXPECT_LT(tally.timeouts * 100, tally.losses) << tally.timeouts << " of " << tally.losses << ":\n"
                                                << tally.where;
}

}  // namespace
}  // namespace fata::tcp::test
