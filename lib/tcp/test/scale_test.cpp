// Many connections: a million in sequence, ten thousand at once, and the size of an idle one.
// Measures actual heap use, so it is for builds without sanitizers.
#include <malloc.h>

#include <print>

#include "wire.hpp"

namespace fata::tcp::test {
namespace {

std::size_t heap() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

Slice message(BufferPool& pool, std::size_t size) {
  PacketBuf buffer = pool.allocate();
  for (std::byte& b : buffer.append(size)) b = std::byte{'x'};
  return Slice(std::move(buffer));
}
std::size_t read_all(Connection& connection, Instant now) {
  std::size_t size = 0;
  for (Slice slice = connection.read(now); !slice.empty(); slice = connection.read(now))
    size += slice.size();
  return size;
}

TEST(TcpScale, AMillionConnectionsInARowLeaveNothingBehind) {
  constexpr unsigned kAll = 1'000'000;
  constexpr unsigned kWarm = 200'000;  // by then TIME-WAIT is full
  Wire wire({.delay = microseconds(50)});
  BufferPool source(64, 1536);
  Listener* listener = *wire.right().listen({IpAddress{}, 80}, 4, nullptr);
  std::size_t warm = 0;
  for (unsigned i = 0; i < kAll; ++i) {
    wire.seen.clear();
    const auto client = wire.left().connect({}, wire.at(1, 80), {}, nullptr, wire.now);
    ASSERT_TRUE(client) << "connection " << i;
    Connection* server = nullptr;
    ASSERT_TRUE(wire.run([&] { return (server = wire.right().accept(*listener)) != nullptr; }))
        << i;
    Slice out = message(source, 64);
    ASSERT_EQ((*client)->write(out, wire.now), 64U);
    (*client)->push(wire.now);
    (*client)->shutdown(wire.now);
    std::size_t got = 0;
    ASSERT_TRUE(wire.run([&] {
      got += read_all(*server, wire.now);
      return server->at_end();
    })) << i;
    ASSERT_EQ(got, 64U) << i;
    wire.right().release(server, wire.now);
    wire.left().release(*client, wire.now);
    ASSERT_TRUE(wire.run([&] {
      return wire.left().connections() + wire.right().connections() == 0;
    })) << i;
    if (i == kWarm) warm = heap();
  }
  wire.seen.clear();
  const std::size_t after = heap();
  std::println(
      "heap {} bytes after {} connections, {} after {}; {} in TIME-WAIT, {} ports reused", warm,
      kWarm, after, kAll, wire.left().time_waits(),
      wire.left().count(Table::kTimeWaitReused) + wire.right().count(Table::kTimeWaitReused));
  EXPECT_LE(after, warm + (64 << 10));
  EXPECT_EQ(wire.right().count(Table::kAccepted), kAll);
  EXPECT_EQ(wire.left().count(Table::kTimeouts) + wire.right().count(Table::kTimeouts), 0U);
  EXPECT_EQ(source.available(), source.count());
  wire.right().close(listener, wire.now);
  wire.run_for(seconds(120));
  EXPECT_EQ(wire.left().time_waits() + wire.right().time_waits(), 0U);
  EXPECT_EQ(wire.left().memory().used() + wire.right().memory().used(), 0U);
}

TEST(TcpScale, TenThousandAtOnceFitIn64MebibytesWithDataOnEach) {
  constexpr std::size_t kAll = 10'000;
  constexpr std::size_t kMessage = 200;
  Config config;
  config.memory = 32 << 20;
  Wire wire({.delay = microseconds(50)}, config, 1, config);
  BufferPool source(4096, 1536);
  Listener* listener = *wire.right().listen({IpAddress{}, 80}, 4, nullptr);
  std::vector<Connection*> here, there;
  here.reserve(kAll);
  there.reserve(kAll);
  const std::size_t before = heap();
  std::size_t half = 0;
  for (std::size_t i = 0; i < kAll; ++i) {
    const auto client = wire.left().connect({}, wire.at(1, 80), {}, nullptr, wire.now);
    ASSERT_TRUE(client) << i;
    here.push_back(*client);
    Connection* server = nullptr;
    ASSERT_TRUE(wire.run([&] { return (server = wire.right().accept(*listener)) != nullptr; }))
        << i;
    there.push_back(server);
    // Assigning {} would keep the vector's capacity.
    if (i + 1 == kAll / 2) std::vector<Seen>().swap(wire.seen), half = heap();
  }
  wire.run_for(seconds(5));
  std::vector<Seen>().swap(wire.seen);
  // Both ends are in this process. The second half alone excludes fixed costs.
  const std::size_t later = (heap() - half) / kAll;
  const std::size_t idle = (heap() - before) / (2 * kAll);
  std::size_t most = 0;
  for (int round = 0; round < 10; ++round) {
    for (Connection* connection : here) {
      Slice out = message(source, kMessage);
      ASSERT_EQ(connection->write(out, wire.now), kMessage);
      connection->push(wire.now);
    }
    wire.run_for(milliseconds(10));
    std::vector<Seen>().swap(wire.seen);
    most = std::max(most, (heap() - before) / 2);  // all of it is unread
    for (Connection* connection : there) ASSERT_EQ(read_all(*connection, wire.now), kMessage);
    wire.run_for(milliseconds(100));
  }
  std::println(
      "{} connections: {} bytes each idle ({} in the second half), {} in all with data unread on "
      "each",
      kAll, idle, later, most);
  EXPECT_LE(idle, 1024U);
  EXPECT_LE(later, 1024U);
  EXPECT_LT(most, std::size_t{64} << 20);
  for (std::size_t i = 0; i < kAll; ++i) {
    here[i]->abort(wire.now);
    wire.left().release(here[i], wire.now);
  }
  wire.run_for(seconds(1));
  for (Connection* connection : there) wire.right().release(connection, wire.now);
  wire.right().close(listener, wire.now);
  wire.run_for(seconds(1));
  EXPECT_EQ(wire.left().memory().used() + wire.right().memory().used(), 0U);
}

}  // namespace
}  // namespace fata::tcp::test
