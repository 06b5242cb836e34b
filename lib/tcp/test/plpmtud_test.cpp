// Paths with a smaller MTU than the link that send no ICMP errors.
#include "wire.hpp"

namespace fata::tcp::test {
namespace {

struct Found {
  std::size_t longest = 0;  // longest segment that the path carried, including options
  unsigned lost = 0;        // because they were too long
  std::uint64_t timeouts = 0;
  std::uint64_t recoveries = 0;
  std::uint32_t min_cwnd = 0;  // after the first half
};

// Sends over a path that drops packets with more than `most` bytes after the IP header.
Found transfer(Wire& wire, std::size_t most, std::size_t size) {
  BufferPool source(4096, 1536);
  Found found;
  wire.drop = [&](const Seen& seen) {
    const std::size_t length = seen.length + seen.header.header_length;
    found.lost += length > most;
    if (length <= most) found.longest = std::max(found.longest, length);
    return length > most;
  };
  Listener* listener = *wire.right().listen({IpAddress{}, 80}, 4, nullptr);
  App client, server;
  client.connection = *wire.left().connect({}, wire.at(1, 80), {}, &client, wire.now);
  EXPECT_TRUE(
      wire.run([&] { return (server.connection = wire.right().accept(*listener)) != nullptr; }));
  client.text = pattern(size);
  found.min_cwnd = ~0U;
  const std::uint64_t timeouts = wire.left().count(Table::kTimeouts);
  EXPECT_TRUE(wire.run([&] {
    client.feed(source, wire.now);
    server.drain(wire.now);
    if (server.received.size() > size / 2)
      found.min_cwnd = std::min(found.min_cwnd, client.connection->stats().cwnd);
    return server.received.size() == size;
  }));
  EXPECT_EQ(server.received, client.text);
  found.timeouts = wire.left().count(Table::kTimeouts) - timeouts;
  found.recoveries = wire.left().count(Table::kRecoveries);
  client.connection->abort(wire.now);
  wire.left().release(std::exchange(client.connection, nullptr), wire.now);
  wire.run_for(seconds(1));
  wire.right().release(std::exchange(server.connection, nullptr), wire.now);
  wire.right().close(listener, wire.now);
  return found;
}

TEST(TcpPathSearch, FindsWhatASilentPathCarriesWithinAFewBytes) {
  for (const bool v6 : {false, true}) {
    for (const std::size_t most : {1460U, 1400U, 1340U, 1250U}) {
      SCOPED_TRACE(std::to_string(most) + (v6 ? " over IPv6" : " over IPv4"));
      const std::size_t all = v6 ? 1460 : 1480;
      if (most > all) continue;
      Wire wire({.delay = milliseconds(5), .v6 = v6});
      const Found found = transfer(wire, most, 3'000'000);
      if (most == all) {
        EXPECT_EQ(found.lost, 0U);
        continue;
      }
      EXPECT_GT(found.longest + 20, most);
      EXPECT_LE(found.timeouts, 4U);
      // Lost probes are not a sign of congestion.
      EXPECT_EQ(found.recoveries, 0U);
    }
  }
}

TEST(TcpPathSearch, TheNextConnectionKnowsWhatThisOneFound) {
  Wire wire({.delay = milliseconds(5)});
  transfer(wire, 1400, 3'000'000);
  const Found next = transfer(wire, 1400, 500'000);
  EXPECT_EQ(next.lost, 0U);
  EXPECT_GT(next.longest, 1380U);
}

TEST(TcpPathSearch, APathThatWasOnlyDownForAWhileHasItsFullSegmentsBackAtOnce) {
  Wire wire({.delay = milliseconds(5)});
  BufferPool source(4096, 1536);
  Listener* listener = *wire.right().listen({IpAddress{}, 80}, 4, nullptr);
  App client, server;
  client.connection = *wire.left().connect({}, wire.at(1, 80), {}, &client, wire.now);
  ASSERT_TRUE(
      wire.run([&] { return (server.connection = wire.right().accept(*listener)) != nullptr; }));
  client.text = pattern(2'000'000);
  const Instant down = wire.now + milliseconds(20), up = down + seconds(4);
  std::size_t longest_late = 0;
  wire.drop = [&](const Seen& seen) {
    if (seen.at > up + seconds(2)) longest_late = std::max(longest_late, seen.length);
    return seen.at >= down && seen.at < up;
  };
  ASSERT_TRUE(wire.run([&] {
    client.feed(source, wire.now);
    server.drain(wire.now);
    return server.received.size() == client.text.size();
  }));
  EXPECT_EQ(server.received, client.text);
  EXPECT_GE(wire.left().count(Table::kBlackHoles), 1U);
  EXPECT_EQ(wire.sides[0].mtu, 1500U);
  EXPECT_EQ(client.connection->stats().mss, 1448U);
  client.connection->abort(wire.now);
  wire.left().release(std::exchange(client.connection, nullptr), wire.now);
  wire.run_for(seconds(1));
  wire.right().release(std::exchange(server.connection, nullptr), wire.now);
  wire.right().close(listener, wire.now);
}

}  // namespace
}  // namespace fata::tcp::test
