// Peers that use little traffic to occupy much memory: out-of-order bytes, closed windows,
// abandoned connections. Their cost is bounded, and honest clients are served meanwhile.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "peer.hpp"

namespace fata::tcp::test {
namespace {

enum Order { kUp, kDown, kEveryOther, kShuffled, kOrders };
std::vector<std::uint32_t> offsets(Order order) {
  std::vector<std::uint32_t> all(4096);
  std::iota(all.begin(), all.end(), 1U);
  if (order == kDown) std::ranges::reverse(all);
  if (order == kEveryOther)
    for (std::uint32_t& each : all) each *= 2;
  if (order == kShuffled) std::ranges::shuffle(all, std::mt19937(3));
  return all;
}

TEST(TcpOutOfOrder, OneByteSegmentsAreKeptWithinTheWindowsMemory) {
  for (int order = 0; order < kOrders; ++order) {
    Server server;
    Peer peer(server, 1);
    ASSERT_TRUE(peer.open());
    const std::size_t before = server.table.memory().used();
    std::size_t most = 0;
    for (const std::uint32_t offset : offsets(Order(order))) {
      peer.data(offset, 1);
      most = std::max(most, server.table.memory().used() - before);
    }
    // Joined, they take a few kilobytes; separate, they stay below the window.
    EXPECT_LE(most, order == kUp ? 8'192U : 128U << 10) << order;
    EXPECT_GT(peer.connection->stats().reorder_queue, 0U);
    peer.data(0, 1);
    std::uint32_t at = 0;
    for (Slice got = peer.connection->read(server.now); !got.empty();
         got = peer.connection->read(server.now))
      for (const std::byte each : got.bytes()) ASSERT_EQ(each, pattern_at(at++)) << order;
    EXPECT_GE(at, order == kUp || order == kDown ? 4097U : 1U) << order;
    peer.connection->abort(server.now);
    server.table.release(peer.connection, server.now);
    EXPECT_EQ(server.table.memory().used(), 0U);
  }
}

TEST(TcpOutOfOrder, ManyConnectionsOfOneByteSegmentsLockNobodyOut) {
  for (int order = 0; order < kOrders; ++order) {
    Config config;
    config.memory = 4 << 20;
    Server server(config);
    std::vector<std::unique_ptr<Peer>> peers;
    const std::vector<std::uint32_t> all = offsets(Order(order));
    for (std::uint32_t i = 0; i < 40; ++i) {
      peers.push_back(std::make_unique<Peer>(server, i));
      ASSERT_TRUE(peers.back()->open());
      for (std::size_t j = 0; j < 300; ++j) peers.back()->data(all[j], 1);
    }
    EXPECT_FALSE(server.table.memory().low_on_buffers());
    for (std::uint32_t i = 0; i < 100; ++i)
      EXPECT_TRUE(serves_an_honest_client(server, 100'000 + i));
    for (auto& peer : peers) {
      peer->connection->abort(server.now);
      server.table.release(peer->connection, server.now);
    }
    EXPECT_EQ(server.table.memory().used(), 0U);
  }
}

// Out-of-order data never makes memory scarce for others, and is dropped when memory is needed.
TEST(TcpOutOfOrder, FullWindowsOfItGiveWayToConnectionsAndToDataInOrder) {
  Config config;
  config.memory = 2 << 20;
  config.borrowed = 512 << 10;
  Server server(config);
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::uint32_t i = 0; i < 40; ++i) {
    peers.push_back(std::make_unique<Peer>(server, i));
    ASSERT_TRUE(peers.back()->open()) << i;
    for (std::uint32_t at = 1460; at + 1460 < 60'000; at += 1460) peers.back()->data(at, 1460);
    EXPECT_FALSE(server.table.memory().low_on_buffers()) << i;
  }
  EXPECT_GT(server.table.count(Table::kOutOfOrderDropped), 0U);
  // Unread in-order data on newer connections takes its place.
  std::vector<std::unique_ptr<Peer>> more;
  for (std::uint32_t i = 0; i < 40; ++i) {
    more.push_back(std::make_unique<Peer>(server, 1000 + i));
    ASSERT_TRUE(more.back()->open()) << i;
    for (std::uint32_t at = 0; at < 10 * 1460; at += 1460) more.back()->data(at, 1460);
    EXPECT_EQ(more.back()->connection->stats().receive_queue, 14'600U) << i;
  }
  EXPECT_GT(server.table.count(Table::kReordersDropped), 0U);
  for (auto* list : {&peers, &more}) {
    for (auto& peer : *list) {
      if (peer->connection == nullptr) continue;
      peer->connection->abort(server.now);
      server.table.release(peer->connection, server.now);
    }
  }
  EXPECT_EQ(server.table.memory().used(), 0U);
}

// Data that is copied, borrowed or dropped in any mixture is read as it was sent.
TEST(TcpOutOfOrder, AnyMixtureArrivesWhole) {
  std::mt19937 random(11);
  for (int round = 0; round < 12; ++round) {
    Config config;
    config.memory = round % 3 == 0 ? 128 << 10 : 4 << 20;
    config.borrowed = round % 2 == 0 ? 0 : 256 << 10;
    Server server(config, round % 4 < 2 ? 2048 : 4096);
    Peer peer(server, 1);
    ASSERT_TRUE(peer.open());
    std::uint32_t read = 0;
    const auto drain = [&] {
      for (Slice got = peer.connection->read(server.now); !got.empty();
           got = peer.connection->read(server.now))
        for (const std::byte each : got.bytes()) ASSERT_EQ(each, pattern_at(read++)) << round;
    };
    constexpr std::uint32_t kAll = 60'000;
    while (read < kAll) {
      for (int i = 0; i < 40; ++i) {
        const std::uint32_t at = read + random() % 40'000,
                            length = 1 + random() % (round % 2 ? 1460 : 40);
        if (at + length <= kAll) peer.data(at, length);
      }
      const std::uint32_t was = read;
      drain();
      if (read == was) peer.data(read, std::min<std::uint32_t>(1460, kAll - read)), drain();
      ASSERT_LE(server.table.memory().used(), config.memory);
      if (HasFatalFailure()) return;
    }
    EXPECT_EQ(peer.connection->stats().reorder_queue, 0U);
    peer.connection->abort(server.now);
    server.table.release(peer.connection, server.now);
    EXPECT_EQ(server.table.memory().used(), 0U);
  }
}

// sockstress: sends a request, closes its window, and lets the server close.
struct Shut {
  Shut(Server& server, std::uint32_t number, std::size_t bytes, bool leaves = true)
      : peer(server, number) {
    if (!peer.open()) return;
    peer.window = 0;
    peer.data(0, 1);
    peer.seq += 1;
    (void)peer.connection->read(server.now);
    while (peer.heard()) {
    }
    std::size_t left = bytes;
    while (left != 0) {
      Slice slice(server.frames.copy(std::vector<std::byte>(std::min<std::size_t>(left, 1400))));
      const std::size_t size = slice.size();
      if (peer.connection->write(slice, server.now) != size) break;
      left -= size;
    }
    peer.connection->push(server.now);
    opened = true;
    if (leaves) {
      server.table.release(peer.connection, server.now);
    } else {
      peer.connection->shutdown(server.now);
    }
  }
  // Whether it was reset; answers everything else without accepting a byte.
  bool answer() {
    while (const auto sent = peer.heard()) {
      if (sent->header.has(kRst)) return true;
      peer.say_ack(0);
    }
    return false;
  }
  Peer peer;
  bool opened = false;
};

TEST(TcpOrphans, OfAPeerThatKeepsItsWindowShutEndInTime) {
  Server server;
  Shut one(server, 1, 10'000);
  ASSERT_TRUE(one.opened);
  EXPECT_EQ(server.table.orphans(), 1U);
  int seconds_lived = 0;
  for (; seconds_lived < 1000 && !one.answer(); ++seconds_lived) server.pass(seconds(1));
  EXPECT_GE(seconds_lived, 60);
  EXPECT_LE(seconds_lived, 260);
  EXPECT_EQ(server.table.orphans(), 0U);
  EXPECT_EQ(server.table.memory().used(), 0U);
}

TEST(TcpOrphans, SoDoesAConnectionWhoseApplicationHasClosedAndStays) {
  Server server;
  Shut one(server, 1, 10'000, false);
  ASSERT_TRUE(one.opened);
  int seconds_lived = 0;
  for (; seconds_lived < 1000 && !one.answer(); ++seconds_lived) server.pass(seconds(1));
  EXPECT_GE(seconds_lived, 60);
  EXPECT_LE(seconds_lived, 260);
  EXPECT_TRUE(one.peer.connection->error().has_value());
  server.table.release(one.peer.connection, server.now);
  EXPECT_EQ(server.table.memory().used(), 0U);
}

TEST(TcpOrphans, OneWhoseApplicationHasNotClosedIsProbedForEver) {
  Server server;
  Peer peer(server, 1);
  ASSERT_TRUE(peer.open());
  peer.window = 0;
  peer.data(0, 1);
  peer.seq += 1;
  (void)peer.connection->read(server.now);
  Slice slice(server.frames.copy(std::vector<std::byte>(1000)));
  EXPECT_EQ(peer.connection->write(slice, server.now), 1000U);
  peer.connection->push(server.now);
  for (int i = 0; i < 10'000; ++i) {
    while (peer.heard()) peer.say_ack(0);
    server.pass(seconds(1));
  }
  EXPECT_EQ(peer.connection->state(), State::kEstablished);
  peer.connection->abort(server.now);
  server.table.release(peer.connection, server.now);
}

TEST(TcpOrphans, ThatTakeAByteNowAndThenEndAtLast) {
  Server server;
  Shut one(server, 1, 10'000);
  int seconds_lived = 0;
  for (; seconds_lived < 5000; ++seconds_lived) {
    server.pass(seconds(1));
    bool reset = false;
    while (const auto sent = one.peer.heard()) {
      reset = reset || sent->header.has(kRst);
      if (sent->length != 0 && seconds_lived % 30 == 0) one.peer.ack = sent->header.seq + 1;
      one.peer.say_ack(0);
    }
    if (reset) break;
  }
  EXPECT_LE(seconds_lived, 1000);
  EXPECT_EQ(server.table.memory().used(), 0U);
}

TEST(TcpOrphans, ThatAreReadSlowlyDeliverAll) {
  Server server;
  Shut one(server, 1, 60'000);
  constexpr Seq kBuffer = 5840;
  Seq got = one.peer.ack;  // everything before it has arrived, everything before `read` was read
  Seq read = got;
  const Seq end = got + 60'000;
  for (int i = 0; i < 800 && got != end + 1; ++i) {
    if (i % 10 == 0 && got - read >= 1460) read += 1460;
    if (i == 0) read = got;
    one.peer.ack = got;
    one.peer.say_ack(static_cast<std::uint16_t>(kBuffer - (got - read)));
    server.pass(seconds(1));
    while (const auto sent = one.peer.heard()) {
      ASSERT_FALSE(sent->header.has(kRst)) << i;
      const Seq length = static_cast<Seq>(sent->length) + (sent->header.has(kFin) ? 1 : 0);
      if (sent->header.seq == got && got + length - read <= kBuffer + 1) got += length;
    }
  }
  EXPECT_EQ(got, end + 1);
}

TEST(TcpOrphans, ThatFillTheMemoryGiveWayToHonestClients) {
  Config config;
  config.memory = 2 << 20;
  config.borrowed = 64 << 10;
  Server server(config);
  std::deque<Shut> all;
  for (std::uint32_t i = 0; i < 400; ++i) {
    all.emplace_back(server, i, 2049);
    server.pass(milliseconds(20));
    for (std::size_t j = i % 20; j < all.size(); j += 20) (void)all[j].answer();
    if (i % 50 == 0) {
      EXPECT_TRUE(serves_an_honest_client(server, 200'000 + i)) << i;
    }
  }
  for (std::uint32_t i = 0; i < 20; ++i) {
    for (Shut& each : all) (void)each.answer();
    EXPECT_TRUE(serves_an_honest_client(server, 100'000 + i)) << i;
    server.pass(milliseconds(500));
  }
  server.pass(seconds(3000));
  EXPECT_EQ(server.table.orphans(), 0U);
  EXPECT_EQ(server.table.memory().used(), 0U);
}

// SACKs of every other outstanding byte: their cost is in the budget, and bounded.
TEST(TcpSackFlood, OfEveryOtherByteCostsNoMemory) {
  Server server;
  Peer peer(server, 1);
  ASSERT_TRUE(peer.open());
  const auto fill = [&] {
    for (;;) {
      Slice slice(server.frames.copy(std::vector<std::byte>(1400)));
      if (peer.connection->write(slice, server.now) != 1400) break;
    }
    peer.connection->push(server.now);
  };
  // Grow the window first.
  for (int round = 0; round < 12; ++round) {
    fill();
    while (const auto sent = peer.heard())
      peer.ack = sent->header.seq + static_cast<Seq>(sent->length);
    peer.say_ack(65535);
    server.pass(milliseconds(10));
  }
  fill();
  const std::size_t before = server.table.memory().used();
  const Seq una = peer.ack;
  for (Seq at = 1; at < 60'000; at += 8) {
    Header header;
    header.seq = peer.seq;
    header.flags = kAck;
    header.options.sack_count = 4;
    for (Seq i = 0; i < 4; ++i) header.options.sack[i] = {una + at + 2 * i, una + at + 2 * i + 1};
    peer.say(header, 0, 0);
    ASSERT_LE(server.table.memory().used(), before + 4096);
  }
  peer.connection->abort(server.now);
  server.table.release(peer.connection, server.now);
  EXPECT_EQ(server.table.memory().used(), 0U);
}

}  // namespace
}  // namespace fata::tcp::test
