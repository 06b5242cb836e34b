// Clients whose connections fill the memory with unread in-order data: one of theirs gives way to a
// client with few.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "peer.hpp"

namespace fata::tcp::test {
namespace {

struct Watch final : Observer {
  void on_events(unsigned events) override { ended |= (events & kEnded) != 0; }
  bool ended = false;
};

constexpr std::uint32_t kSameNetwork = 50'000;        // the number of the next address
constexpr std::uint32_t kNextNetwork = 256 * 50'000;  // of the next /24

struct Crowded {
  Crowded() {
    Config config;
    config.memory = 1 << 20;
    server.emplace(config);
  }
  ~Crowded() {
    for (auto& each : peers) {
      each->connection->abort(server->now);
      server->table.release(each->connection, server->now);
    }
    EXPECT_EQ(server->table.memory().used(), 0U);
  }
  // A connection whose data is not read. False if it was refused.
  bool join(std::uint32_t number, std::uint32_t segments = 40) {
    auto peer = std::make_unique<Peer>(*server, number);
    if (!peer->open()) return false;
    watches.push_back(std::make_unique<Watch>());
    peer->connection->observe(watches.back().get());
    for (std::uint32_t at = 0; at < segments * 1460; at += 1460) peer->data(at, 1460);
    peers.push_back(std::move(peer));
    server->pass(milliseconds(20));
    return true;
  }
  std::size_t ended() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(watches, [](const auto& each) { return each->ended; }));
  }

  std::optional<Server> server;
  std::vector<std::unique_ptr<Watch>> watches;
  std::vector<std::unique_ptr<Peer>> peers;
};

TEST(TcpPressure, TheClientWithTheMostGivesWayToOthersAndNotToItself) {
  for (const std::uint32_t other : {kSameNetwork, kNextNetwork}) {
    Crowded crowd;
    std::uint32_t most = 0;
    while (most < 1000 && crowd.join(most)) ++most;
    ASSERT_GT(most, 8U);
    ASSERT_LT(most, 1000U) << "its memory is full";
    EXPECT_EQ(crowd.ended(), 0U);
    EXPECT_TRUE(crowd.join(other)) << "a client without any is let in";
    EXPECT_EQ(crowd.ended(), 1U);
    EXPECT_TRUE(crowd.watches[0]->ended) << "the longest idle";
    EXPECT_FALSE(crowd.watches.back()->ended);
    EXPECT_EQ(crowd.server->table.count(Table::kGaveWay), 1U);
  }
}

TEST(TcpPressure, ManyClientsThatAreAlikeKeepWhatTheyHave) {
  Crowded crowd;
  std::uint32_t most = 0;
  while (most < 1000 && crowd.join(most * kNextNetwork / 256 * 257)) ++most;
  ASSERT_LT(most, 1000U);
  EXPECT_FALSE(crowd.join(1'000'000));
  EXPECT_EQ(crowd.ended(), 0U);
}

TEST(TcpPressure, SixteenAddressesOfOneNetworkDoNotLockOutASeventeenth) {
  Crowded crowd;
  std::uint32_t most = 0;
  while (most < 1000 && crowd.join(most % 16 * kSameNetwork + most, 2)) ++most;
  ASSERT_LT(most, 1000U);
  const std::size_t before = crowd.ended();
  std::uint32_t served = 0;
  for (std::uint32_t i = 0; i < 5; ++i) served += crowd.join(20 * kSameNetwork + i, 2);
  // Those have 9 each: a client with up to 3 has less than half of that with its next connection.
  EXPECT_GE(served, 4U) << most;
  EXPECT_LE(crowd.ended() - before, 20U);
}

// Their memory is freed only once their user releases them, so resetting more of them is useless.
TEST(TcpPressure, OnlyOneConnectionWithoutDataIsResetForANewcomer) {
  Crowded crowd;
  std::uint32_t most = 0;
  while (most < 2000 && crowd.join(most, 0)) ++most;
  ASSERT_LT(most, 2000U);
  EXPECT_EQ(crowd.ended(), 0U);
  EXPECT_FALSE(crowd.join(kNextNetwork, 0));
  EXPECT_EQ(crowd.ended(), 1U);
}

// Otherwise clients that also have many idle connections keep the memory that a newcomer needs.
TEST(TcpPressure, AConnectionWithDataIsResetBeforeAnIdleOne) {
  for (const std::uint32_t address_with_data : {0U, kSameNetwork}) {
    Crowded crowd;
    for (std::uint32_t i = 0; i < 100; ++i) ASSERT_TRUE(crowd.join(i, 0));
    std::uint32_t most = 0;
    while (most < 1000 && crowd.join(address_with_data + 100 + most)) ++most;
    ASSERT_LT(most, 1000U);
    const std::size_t before = crowd.ended();
    EXPECT_FALSE(crowd.watches[100]->ended);
    EXPECT_TRUE(crowd.join(kNextNetwork));
    EXPECT_EQ(crowd.ended(), before + 1);
    EXPECT_TRUE(crowd.watches[100]->ended) << "the longest idle with data";
  }
}

// Data of clients at one address fills the memory to the last byte, and they keep sending.
struct Full : Crowded {
  Full() {
    while (crowd < 1000 && join(crowd, 2)) ++crowd;
    for (std::uint32_t segment = 2; segment < 6; ++segment) press(segment);
  }
  // Each of them sends this segment.
  void press(std::uint32_t segment) {
    for (auto& each : peers) each->data(segment * 1460, 1460);
  }
  std::size_t received(Peer& peer) {
    std::size_t bytes = 0;
    for (Slice got = peer.connection->read(server->now); !got.empty();
         got = peer.connection->read(server->now))
      bytes += got.size();
    return bytes;
  }

  std::uint32_t crowd = 0;
};

TEST(TcpPressure, WhatAClientWithFewSendsFindsRoom) {
  for (const std::uint32_t other : {kSameNetwork, kNextNetwork}) {
    Full full;
    ASSERT_LT(full.crowd, 1000U);
    ASSERT_EQ(full.ended(), 0U);
    ASSERT_TRUE(full.join(other, 0));
    Peer& honest = *full.peers.back();
    std::size_t got = 0;
    for (std::uint32_t round = 0; round < 20; ++round) {
      full.press(6 + round);
      honest.data(round * 1460, 1460);
      got += full.received(honest);
      full.server->pass(milliseconds(10));
    }
    EXPECT_EQ(got, 20U * 1460);
    EXPECT_FALSE(full.watches.back()->ended);
    EXPECT_GT(full.ended(), 0U);
    EXPECT_LT(full.ended(), 60U);
  }
}

TEST(TcpPressure, WhatAServerWritesToAClientWithFewFindsRoom) {
  Full full;
  ASSERT_TRUE(full.join(kNextNetwork, 0));
  Peer& honest = *full.peers.back();
  full.press(6);
  BufferPool pool(4, 4096);
  PacketBuf packet = pool.allocate(0);
  packet.append(1000);
  Slice answer(std::move(packet));
  full.press(7);
  EXPECT_EQ(honest.connection->write(answer, full.server->now), 1000U);
}

TEST(TcpPressure, WhoCrowdsDoesNotUseUpTheRateByAskingInVain) {
  Full full;
  ASSERT_TRUE(full.join(kNextNetwork, 0));
  Peer& honest = *full.peers.back();
  for (std::uint32_t segment = 6; segment < 26; ++segment) full.press(segment);
  honest.data(0, 1460);
  EXPECT_EQ(full.received(honest), 1460U);
}

}  // namespace
}  // namespace fata::tcp::test
