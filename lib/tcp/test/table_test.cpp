#include "fata/tcp/table.hpp"

#include <gtest/gtest.h>

#include "fata/sig/flow.hpp"
#include "wire.hpp"

namespace fata::tcp::test {
namespace {

struct Pair {
  explicit Pair(const WireOptions& options = {}, const Config& config = {}, std::uint32_t seed = 1)
      : wire(options, config, seed, config) {}
  ~Pair() {
    release(client);
    release(server);
    if (listener != nullptr) wire.right().close(listener, wire.now);
  }
  void release(App& app) {
    if (app.connection == nullptr) return;
    Table& table = &app == &client ? wire.left() : wire.right();
    table.release(std::exchange(app.connection, nullptr), wire.now);
  }
  void listen(std::size_t backlog = 8) {
    listener = *wire.right().listen({IpAddress{}, 80}, backlog, nullptr);
  }
  void connect(FlowOptions options = {}) {
    client.connection = *wire.left().connect({}, wire.at(1, 80), options, &client, wire.now);
  }
  bool accept() {
    if (server.connection == nullptr &&
        (server.connection = wire.right().accept(*listener)) != nullptr)
      server.connection->observe(&server);
    return server.connection != nullptr;
  }
  bool open() {
    listen();
    connect();
    return wire.run([&] { return accept() && client.connection->state() == State::kEstablished; });
  }
  // Transfers both texts.
  bool exchange(Duration most = seconds(600)) {
    return wire.run(
        [&] {
          for (App* app : {&client, &server}) {
            app->feed(source, wire.now);
            app->drain(wire.now);
          }
          return client.received.size() >= server.text.size() &&
                 server.received.size() >= client.text.size();
        },
        most);
  }

  BufferPool source{4096, 1536};
  Wire wire;
  App client, server;
  Listener* listener = nullptr;
};

TEST(TcpTable, OpensExchangesAndCloses) {
  Pair pair;
  ASSERT_TRUE(pair.open());
  pair.client.text = "hello";
  pair.server.text = "world";
  ASSERT_TRUE(pair.exchange());
  EXPECT_EQ(pair.client.received, "world");
  EXPECT_EQ(pair.server.received, "hello");
  pair.client.connection->shutdown(pair.wire.now);
  ASSERT_TRUE(pair.wire.run([&] {
    return pair.server.connection->at_end() && pair.client.connection->state() == State::kFinWait2;
  }));
  EXPECT_EQ(pair.server.connection->state(), State::kCloseWait);
  pair.server.connection->shutdown(pair.wire.now);
  ASSERT_TRUE(pair.wire.run([&] { return pair.client.connection->state() == State::kTimeWait; }));
  pair.wire.run_for(seconds(1));
  EXPECT_EQ(pair.server.connection->state(), State::kClosed);
  EXPECT_FALSE(pair.server.connection->error());
  EXPECT_EQ(pair.wire.left().time_waits(), 1U);
  pair.wire.run_for(seconds(61));
  EXPECT_EQ(pair.wire.left().time_waits(), 0U);
}

TEST(TcpTable, CountsTheBytesOfEachDirection) {
  Pair pair({.jitter = milliseconds(5), .loss = 20});
  ASSERT_TRUE(pair.open());
  pair.client.text = std::string(100'000, 'c');
  pair.server.text = std::string(30'000, 's');
  ASSERT_TRUE(pair.exchange());
  pair.wire.run_for(seconds(5));  // the last ACKs
  EXPECT_NE(pair.wire.left().count(Table::kOutOfOrder), 0U) << "data was put in order later";
  EXPECT_EQ(pair.client.connection->stats().sent, 100'000U);
  EXPECT_EQ(pair.client.connection->stats().received, 30'000U);
  EXPECT_EQ(pair.server.connection->stats().sent, 30'000U);
  EXPECT_EQ(pair.server.connection->stats().received, 100'000U);
}

TEST(TcpTable, RefusesWhereNobodyListens) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(pair.wire.run([&] { return pair.client.connection->state() == State::kClosed; }));
  EXPECT_TRUE(pair.client.connection->error()->is(sig::FlowErrc::kRefused));
}

TEST(TcpTable, AnAbortResetsThePeer) {
  Pair pair;
  ASSERT_TRUE(pair.open());
  pair.client.connection->abort(pair.wire.now);
  ASSERT_TRUE(pair.wire.run([&] { return pair.server.connection->state() == State::kClosed; }));
  EXPECT_TRUE(pair.server.connection->error()->is(sig::FlowErrc::kReset));
}

struct Quality {
  const char* name;
  WireOptions options;
  std::size_t bytes;
};
class TcpOver : public testing::TestWithParam<Quality> {};

TEST_P(TcpOver, CarriesEveryByteOnceAndInOrder) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Pair pair(GetParam().options, {}, seed);
    ASSERT_TRUE(pair.open());
    pair.client.text = pattern(GetParam().bytes);
    pair.server.text = pattern(GetParam().bytes / 3);
    ASSERT_TRUE(pair.exchange()) << pair.server.received.size() << " "
                                 << pair.client.received.size();
    EXPECT_TRUE(pair.server.received == pair.client.text);
    EXPECT_TRUE(pair.client.received == pair.server.text);
    pair.client.connection->shutdown(pair.wire.now);
    pair.server.connection->shutdown(pair.wire.now);
    ASSERT_TRUE(pair.wire.run(
        [&] {
          return pair.client.connection->state() == State::kTimeWait ||
                 pair.client.connection->state() == State::kClosed;
        },
        seconds(300)));
    pair.wire.run_for(seconds(400));
    pair.release(pair.client);
    pair.release(pair.server);
    for (Table* table : {&pair.wire.left(), &pair.wire.right()}) {
      EXPECT_EQ(table->connections(), 0U);
      EXPECT_EQ(table->memory().used(), 0U);
      EXPECT_EQ(table->time_waits(), 0U);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Wires, TcpOver,
    testing::Values(
        Quality{"clean", {}, 1'000'000}, Quality{"fast", {.delay = microseconds(50)}, 2'000'000},
        Quality{"lossy", {.loss = 20}, 500'000}, Quality{"bad", {.loss = 150}, 60'000},
        Quality{"jitter", {.jitter = milliseconds(8)}, 500'000},
        Quality{"everything", {.jitter = milliseconds(5), .loss = 30, .duplication = 30}, 200'000},
        Quality{"narrow", {.mtu = 296}, 100'000}, Quality{"offload", {.gso_max = 65535}, 3'000'000},
        Quality{"lossy_offload", {.loss = 30, .gso_max = 65535}, 1'000'000},
        Quality{"six", {.loss = 10, .v6 = true}, 300'000}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace fata::tcp::test
