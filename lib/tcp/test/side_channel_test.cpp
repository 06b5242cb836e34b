// Information about others' connections that an attacker could get by counting its own responses
// (CVE-2016-5696 and similar).
#include <gtest/gtest.h>

#include <set>

#include "peer.hpp"

namespace fata::tcp::test {
namespace {

void end(Server& server, Peer& peer) {
  peer.connection->abort(server.now);
  server.table.release(peer.connection, server.now);
}

// How many challenge ACKs `count` invalid resets cause.
int challenges(Peer& peer, int count) {
  while (peer.heard()) {
  }
  for (int i = 0; i < count; ++i) {
    Header reset;
    reset.seq = peer.seq + 100;
    reset.flags = kRst;
    peer.say(reset, 0, 0);
  }
  int answers = 0;
  while (peer.heard()) ++answers;
  return answers;
}

TEST(TcpSideChannel, OnesOwnChallengeAcksTellNothingOfAGuessAtAnother) {
  for (const bool guessed : {false, true}) {
    Server server;
    Peer victim(server, 1), attacker(server, 2);
    ASSERT_TRUE(victim.open() && attacker.open());
    Peer spoofed(server, guessed ? 1 : 3);
    Header syn;
    syn.seq = 12'345;
    syn.flags = kSyn;
    spoofed.say(syn, 0, 0);
    EXPECT_EQ(challenges(attacker, 1100), 10);
    end(server, victim), end(server, attacker);
    server.pass(seconds(200));
  }
}

TEST(TcpSideChannel, ManyConnectionsTogetherFindARandomLimit) {
  std::set<int> sums;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Server server({}, 2048, seed);
    std::vector<std::unique_ptr<Peer>> peers;
    int sum = 0;
    for (std::uint32_t i = 0; i < 200; ++i) {
      peers.push_back(std::make_unique<Peer>(server, i));
      ASSERT_TRUE(peers.back()->open());
    }
    for (auto& peer : peers) sum += challenges(*peer, 20);
    EXPECT_GE(sum, 750);
    EXPECT_LE(sum, 1250);
    sums.insert(sum);
    server.pass(milliseconds(1001));
    int next = 0;
    for (auto& peer : peers) next += challenges(*peer, 20);
    EXPECT_GE(next, 750);
    EXPECT_LE(next, 1250);
    sums.insert(next);
    for (auto& peer : peers) end(server, *peer);
  }
  EXPECT_GE(sums.size(), 12U) << "the same limit again and again";
}

TEST(TcpSideChannel, ResetsToStrangersHaveARandomLimit) {
  std::set<std::size_t> sums;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Server server({}, 2048, seed);
    Peer stranger(server, 7);
    Header segment;
    segment.flags = kAck;
    for (int i = 0; i < 3000; ++i) {
      segment.seq = static_cast<Seq>(i);
      stranger.say(segment, 0, 0);
    }
    std::size_t resets = 0;
    while (stranger.heard()) ++resets;
    EXPECT_GE(resets, 750U);
    EXPECT_LE(resets, 1250U);
    sums.insert(resets);
  }
  EXPECT_GE(sums.size(), 6U);
}

// RFC 7413 section 5.1.
TEST(TcpFastOpenServer, KeepsABoundOfConnectionsThatNoAckHasConfirmed) {
  Config config;
  config.fast_open_server = true;
  config.fast_opens = 10;
  Server server(config);
  const auto ask = [&](std::uint32_t number, Bytes cookie, std::uint32_t length) {
    Peer peer(server, number);
    Header syn;
    syn.seq = peer.seq - 1;
    syn.flags = kSyn;
    syn.options.mss = 1460;
    syn.options.has_cookie = true;
    syn.options.cookie_size = static_cast<std::uint8_t>(copy_bytes(syn.options.cookie, cookie));
    peer.say(syn, 0, length);
    return peer.heard();
  };
  const auto given = ask(1, {}, 0);
  ASSERT_TRUE(given && given->header.options.has_cookie);
  const auto cookie_of = [](const Server::Sent& sent) {
    const Bytes bytes = sent.header.options.cookie_bytes();
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  const std::vector<std::byte> cookie = cookie_of(*given);
  // One address, many ports, none of which completes a handshake.
  int taken = 0;
  for (std::uint32_t port = 10; port < 50; ++port) {
    const auto answer = ask(port, cookie, 100);
    ASSERT_TRUE(answer);
    const bool data = answer->header.ack == Seq{0xfffff000} + 100;
    taken += data ? 1 : 0;
    EXPECT_TRUE(data || answer->header.ack == Seq{0xfffff000}) << "an ordinary SYN-ACK otherwise";
  }
  EXPECT_EQ(taken, 10);
  EXPECT_EQ(server.table.count(Table::kFastOpens), 10U);
  // Released connections no longer count.
  while (Connection* each = server.table.accept(*server.listener)) {
    each->abort(server.now);
    server.table.release(each, server.now);
  }
  const auto answer = ask(60, cookie, 100);
  EXPECT_EQ(answer->header.ack, Seq{0xfffff000} + 100);
  // The secret changes every hour, and a cookie is valid for at most two.
  server.pass(seconds(3600));
  EXPECT_EQ(ask(61, cookie, 100)->header.ack, Seq{0xfffff000} + 100);
  const auto renewed = ask(62, {}, 0);
  EXPECT_NE(cookie_of(*renewed), cookie);
  server.pass(seconds(3600));
  EXPECT_EQ(ask(63, cookie, 100)->header.ack, Seq{0xfffff000});
  EXPECT_EQ(ask(64, cookie_of(*renewed), 100)->header.ack, Seq{0xfffff000} + 100);
  server.pass(seconds(5 * 3600));
  EXPECT_EQ(ask(65, cookie_of(*renewed), 100)->header.ack, Seq{0xfffff000});
  while (Connection* each = server.table.accept(*server.listener)) {
    each->abort(server.now);
    server.table.release(each, server.now);
  }
}

}  // namespace
}  // namespace fata::tcp::test
