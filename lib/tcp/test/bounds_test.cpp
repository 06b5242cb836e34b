// Bounds of TCP: memory, half-open connections, recovery without timeouts.
#include <gtest/gtest.h>

#include "wire.hpp"

namespace fata::tcp::test {
namespace {

struct Deaf final : Observer {
  void on_events(unsigned) noexcept override {}
};

TEST(TcpBounds, AnIdleConnectionTakesAKilobyteOfTheBudget) {
  Config config;
  config.memory = 64 << 20;
  Wire wire({.delay = microseconds(100)}, config, 1, config);
  Listener* listener = *wire.right().listen({IpAddress{}, 80}, 200, nullptr);
  Deaf deaf;
  std::vector<Connection*> here, there;
  for (int i = 0; i < 1000; ++i) {
    here.push_back(*wire.left().connect({}, wire.at(1, 80), {}, &deaf, wire.now));
    Connection* accepted = nullptr;
    ASSERT_TRUE(wire.run([&] { return (accepted = wire.right().accept(*listener)) != nullptr; }));
    accepted->observe(&deaf);
    there.push_back(accepted);
  }
  wire.run_for(seconds(5));
  EXPECT_EQ(wire.right().memory().used(), 1000 * kConnectionCost);
  EXPECT_EQ(wire.left().memory().used(), 1000 * kConnectionCost);
  for (std::size_t i = 0; i < here.size(); ++i) {
    wire.left().release(here[i], wire.now);
    wire.right().release(there[i], wire.now);
  }
  wire.run_for(seconds(200));
  EXPECT_EQ(wire.right().connections(), 0U);
  EXPECT_EQ(wire.left().connections(), 0U);
  EXPECT_EQ(wire.left().time_waits() + wire.right().time_waits(), 0U);
  wire.right().close(listener, wire.now);
}

TEST(TcpBounds, TimeWaitKeepsToItsBound) {
  Config config;
  config.time_wait = 20;
  Wire wire({.delay = microseconds(100)}, config, 1, config);
  Listener* listener = *wire.right().listen({IpAddress{}, 80}, 8, nullptr);
  Deaf deaf;
  for (int i = 0; i < 100; ++i) {
    Connection* here = *wire.left().connect({}, wire.at(1, 80), {}, &deaf, wire.now);
    Connection* there = nullptr;
    ASSERT_TRUE(wire.run([&] { return (there = wire.right().accept(*listener)) != nullptr; }));
    wire.left().release(here, wire.now);  // the side that closes first enters TIME-WAIT
    wire.run_for(milliseconds(10));
    wire.right().release(there, wire.now);
    wire.run_for(milliseconds(10));
    EXPECT_EQ(wire.left().time_waits(), std::min<std::size_t>(i + 1, config.time_wait));
  }
  wire.right().close(listener, wire.now);
}

TEST(TcpBounds, ReadersThatReadNothingKeepWithinTheBudget) {
  Config config;
  config.memory = 1 << 20;
  config.borrowed = 64 << 10;
  Wire wire({.delay = microseconds(100)}, config, 1, config);
  BufferPool source(4096, 1536);
  Listener* listener = *wire.right().listen({IpAddress{}, 80}, 64, nullptr);
  std::vector<std::unique_ptr<App>> apps;
  std::vector<Connection*> silent;
  for (int i = 0; i < 20; ++i) {
    auto app = std::make_unique<App>();
    const auto connection = wire.left().connect({}, wire.at(1, 80), {}, app.get(), wire.now);
    if (!connection) break;
    app->connection = *connection;
    app->text = pattern(200'000);
    apps.push_back(std::move(app));
    Connection* accepted = nullptr;
    if (!wire.run([&] { return (accepted = wire.right().accept(*listener)) != nullptr; },
                  seconds(10)))
      break;
    silent.push_back(accepted);
  }
  EXPECT_GE(silent.size(), 10U);
  const Instant end = wire.now + seconds(20);
  while (wire.now < end) {
    for (auto& app : apps) app->feed(source, wire.now);
    wire.run_for(milliseconds(50));
    for (Table* table : {&wire.left(), &wire.right()}) {
      EXPECT_LE(table->memory().used(), table->memory().limit());
      EXPECT_LE(table->memory().borrowed(), std::size_t{64 << 10});
    }
  }
  // When the application reads at last, every byte is there.
  App reader;
  reader.connection = silent[0];
  ASSERT_TRUE(wire.run(
      [&] {
        for (auto& app : apps) app->feed(source, wire.now);
        reader.drain(wire.now);
        return reader.received.size() == apps[0]->text.size();
      },
      seconds(600)))
      << reader.received.size();
  EXPECT_EQ(reader.received, apps[0]->text);
  reader.connection = nullptr;
  for (auto& app : apps) {
    app->connection->abort(wire.now);
    wire.left().release(std::exchange(app->connection, nullptr), wire.now);
  }
  wire.run_for(seconds(1));
  for (Connection* connection : silent) wire.right().release(connection, wire.now);
  wire.right().close(listener, wire.now);
  wire.run_for(seconds(100));
  EXPECT_EQ(wire.left().memory().used(), 0U);
  EXPECT_EQ(wire.right().memory().used(), 0U);
}

TEST(TcpBounds, ASingleLossIsMendedWithoutATimeout) {
  // Each segment of a transfer is lost in turn.
  for (int lost = 0; lost < 70; ++lost) {
    Wire wire({.delay = milliseconds(10)});
    BufferPool source(4096, 1536);
    Listener* listener = *wire.right().listen({IpAddress{}, 80}, 4, nullptr);
    int count = 0;
    wire.drop = [&](const Seen& seen) {
      return seen.side == 0 && seen.length != 0 && count++ == lost;
    };
    App client, server;
    client.connection = *wire.left().connect({}, wire.at(1, 80), {}, &client, wire.now);
    ASSERT_TRUE(
        wire.run([&] { return (server.connection = wire.right().accept(*listener)) != nullptr; }));
    client.text = pattern(70 * 1448);
    ASSERT_TRUE(wire.run([&] {
      client.feed(source, wire.now);
      server.drain(wire.now);
      return server.received.size() == client.text.size();
    }));
    EXPECT_EQ(wire.left().count(Table::kTimeouts), 0U) << "segment " << lost;
    client.connection->abort(wire.now);
    wire.left().release(std::exchange(client.connection, nullptr), wire.now);
    wire.run_for(seconds(1));
    wire.right().release(std::exchange(server.connection, nullptr), wire.now);
    wire.right().close(listener, wire.now);
  }
}

TEST(TcpBounds, AGoodClientGetsInDuringAFloodOfSyns) {
  Config config;
  config.half_open = 64;
  Wire wire({.delay = milliseconds(1)}, {}, 1, config);
  Listener* listener = *wire.right().listen({IpAddress{}, 80}, 64, nullptr);
  BufferPool flood(64, 2048);
  const auto spoofed = [&] {
    Header header;
    header.source_port = static_cast<std::uint16_t>(1 + wire.random() % 65535);
    header.destination_port = 80;
    header.seq = static_cast<Seq>(wire.random());
    header.flags = kSyn;
    header.window = 1000;
    header.options.mss = 1460;
    ip::Packet packet;
    packet.source =
        Ipv4Address{static_cast<std::uint32_t>(0xc0000000 + wire.random() % 0x10000000)};
    packet.destination = wire.sides[1].address;
    packet.offload.checksum_valid = true;
    PacketBuf buffer = flood.allocate();
    header.write(buffer.append(kHeaderSize + header.options.size()));
    packet.payload = Slice(std::move(buffer));
    (void)wire.right().receive(packet, wire.now);
  };
  // Replies to spoofed addresses are lost.
  wire.drop = [&](const Seen& seen) {
    return seen.side == 1 && seen.header.destination_port < 32768;
  };
  for (int i = 0; i < 2000; ++i) spoofed();
  App client;
  client.connection = *wire.left().connect({}, wire.at(1, 80), {}, &client, wire.now);
  Connection* accepted = nullptr;
  EXPECT_TRUE(wire.run(
      [&] {
        for (int i = 0; i < 20; ++i) spoofed();
        return (accepted = wire.right().accept(*listener)) != nullptr;
      },
      seconds(10)));
  EXPECT_EQ(wire.right().count(Table::kCookiesTaken), 1U);
  EXPECT_EQ(wire.right().half_open(), 64U);
  ASSERT_NE(accepted, nullptr);
  EXPECT_EQ(accepted->stats().mss, 1448U) << "timestamps and MSS survive the cookie";
  accepted->abort(wire.now);
  wire.right().release(accepted, wire.now);
  wire.run_for(seconds(1));
  wire.left().release(std::exchange(client.connection, nullptr), wire.now);
  wire.right().close(listener, wire.now);
}

}  // namespace
}  // namespace fata::tcp::test
