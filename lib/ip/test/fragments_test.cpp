// Reassembly in isolation, and fragmented datagrams between nodes of both families.
#include <algorithm>
#include <random>

#include "fata/ip/reassembly.hpp"
#include "nodes.hpp"

namespace fata::ip {
namespace {

using Outcome = Reassembly::Outcome;

struct Workshop {
  HeapBuffers memory{std::size_t{256} * 1024};
  Reassembly reassembly{memory, seconds(30)};
  Instant now = Instant{} + seconds(10);
  Frame header = Frame(20, std::byte{0x45});
  std::vector<std::string> expired;

  Reassembly::Result add(std::size_t offset, const Frame& data, bool more, std::uint32_t id = 1) {
    return reassembly.add({.key = {v4_address(2), v4_address(1), id, 17},
                           .offset = offset,
                           .more = more,
                           .header = header,
                           .data = data},
                          now);
  }
  void pass(Duration time) {
    now = now + time;
    reassembly.tick(now,
                    [&](PacketBuf start, bool) { expired.emplace_back(as_text(start.bytes())); });
  }
};

Frame pattern(std::size_t size, unsigned seed = 0) {
  Frame bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 251 + seed);
  return bytes;
}
Frame part(const Frame& all, std::size_t from, std::size_t size) {
  return {all.begin() + static_cast<std::ptrdiff_t>(from),
          all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), from + size))};
}

TEST(Reassembly, PutsTogetherWhatComesInAnyOrderAndTwice) {
  std::mt19937 random(7);
  for (unsigned round = 0; round < 200; ++round) {
    Workshop workshop;
    const Frame all = pattern(1 + random() % 20'000, round);
    const std::size_t size = 8 * (1 + random() % 200 + all.size() / 200);
    std::vector<std::size_t> offsets;
    for (std::size_t at = 0; at < all.size(); at += size) offsets.push_back(at);
    if (offsets.size() > 2 * Reassembly::kRanges) continue;
    std::ranges::shuffle(offsets, random);
    std::vector<std::size_t> twice = offsets;
    twice.insert(twice.end() - 1, offsets.front());
    bool complete = false;
    for (const std::size_t at : twice) {
      auto result = workshop.add(at, part(all, at, size), at + size < all.size());
      if (result.outcome == Outcome::kWaits) continue;
      ASSERT_EQ(result.outcome, Outcome::kComplete);
      EXPECT_EQ(at, twice.back());
      complete = true;
      EXPECT_EQ(result.header_size, 20u);
      EXPECT_TRUE(equal_bytes(result.packet.bytes().first(20), workshop.header));
      EXPECT_TRUE(equal_bytes(result.packet.bytes().subspan(20), all));
    }
    EXPECT_TRUE(complete);
    EXPECT_EQ(workshop.reassembly.waiting(), 0u);
    EXPECT_EQ(workshop.memory.used(), 0u);
  }
}

TEST(Reassembly, RefusesAPacketWhosePiecesOverlapAndAllThatFollows) {
  struct Case {
    const char* what;
    std::size_t offset, size;
    bool more;
  };
  for (const Case& each : {Case{"from the front", 0, 24, true},
                           {"from behind", 24, 16, true},
                           {"inside, with other bytes", 16, 8, true},
                           {"around", 8, 32, true},
                           {"a second end", 40, 8, false},
                           {"behind the end", 64, 8, true}}) {
    Workshop workshop;
    EXPECT_EQ(workshop.add(16, pattern(16), true).outcome, Outcome::kWaits);
    EXPECT_EQ(workshop.add(48, pattern(8), false).outcome, Outcome::kWaits);
    EXPECT_EQ(workshop.add(each.offset, pattern(each.size, 99), each.more).outcome,
              Outcome::kOverlap)
        << each.what;
    EXPECT_EQ(workshop.memory.used(), 0u);
    // The fragments that would have completed the packet arrive too late.
    EXPECT_EQ(workshop.add(0, pattern(16), true).outcome, Outcome::kOverlap);
    EXPECT_EQ(workshop.add(32, pattern(16), true).outcome, Outcome::kOverlap);
    workshop.pass(seconds(31));
    EXPECT_TRUE(workshop.expired.empty());
    EXPECT_EQ(workshop.add(0, pattern(16), true).outcome, Outcome::kWaits)
        << "a new packet may have the number again";
  }
}

TEST(Reassembly, RefusesPiecesThatCannotBe) {
  Workshop workshop;
  EXPECT_EQ(workshop.add(0, {}, true).outcome, Outcome::kMalformed);
  EXPECT_EQ(workshop.add(0, pattern(9), true).outcome, Outcome::kMalformed);
  EXPECT_EQ(workshop.add(65528, pattern(8), false).outcome, Outcome::kMalformed);
  EXPECT_EQ(workshop.reassembly.waiting(), 0u);
  EXPECT_EQ(workshop.add(65520, pattern(15), false).outcome, Outcome::kWaits);
}

TEST(Reassembly, GivesUpInTimeAndTellsWhatWasThere) {
  Workshop workshop;
  workshop.add(0, text("12345678"), true);
  workshop.add(16, text("90"), false);
  workshop.add(8, text("no start"), true, 2);
  workshop.pass(seconds(29));
  EXPECT_EQ(workshop.reassembly.waiting(), 2u);
  workshop.pass(seconds(1));
  EXPECT_EQ(workshop.reassembly.waiting(), 0u);
  ASSERT_EQ(workshop.expired.size(), 1u);
  EXPECT_EQ(workshop.expired[0], std::string(20, 'E') + "12345678");
  EXPECT_EQ(workshop.reassembly.timed_out(), 2u);
  EXPECT_TRUE(workshop.reassembly.next_deadline().is_never());
}

TEST(Reassembly, AFloodPushesOutTheOldestAndStaysWithinItsBudget) {
  Workshop workshop;
  for (std::uint32_t id = 0; id < 10'000; ++id) {
    EXPECT_EQ(workshop.add(0, pattern(1480), true, id).outcome, Outcome::kWaits);
    ASSERT_LE(workshop.reassembly.waiting(), Reassembly::kPackets);
    ASSERT_LE(workshop.memory.used(), std::size_t{256} * 1024);
    workshop.now = workshop.now + microseconds(1);
  }
  // A packet that arrives quickly still gets through.
  EXPECT_EQ(workshop.add(0, pattern(1480), true, 77'777).outcome, Outcome::kWaits);
  EXPECT_EQ(workshop.add(1480, pattern(100), false, 77'777).outcome, Outcome::kComplete);
  // Holes are bounded too.
  Workshop holes;
  Outcome outcome = Outcome::kWaits;
  std::size_t pieces = 0;
  for (; outcome == Outcome::kWaits; ++pieces)
    outcome = holes.add(16 * (pieces + 1), pattern(8), true).outcome;
  EXPECT_EQ(outcome, Outcome::kNoRoom);
  EXPECT_EQ(pieces, Reassembly::kRanges + 1);
}

TEST(Reassembly, OnePieceMarkedForCongestionMarksAll) {
  Workshop workshop;
  const Reassembly::Key key{v4_address(2), v4_address(1), 1, 17};
  const Frame data = pattern(8);
  workshop.reassembly.add({.key = key,
                           .offset = 0,
                           .more = true,
                           .header = workshop.header,
                           .data = data,
                           .ecn = Ecn::kCongested},
                          workshop.now);
  const auto result = workshop.reassembly.add(
      {.key = key, .offset = 8, .more = false, .header = {}, .data = data, .ecn = Ecn::kCapable0},
      workshop.now);
  EXPECT_EQ(result.ecn, Ecn::kCongested);
}

// A datagram of `size` bytes, most of them in buffers other than the packet's own.
sig::TxDatagram long_datagram(BufferPool& pool, const IpAddress& to, const Frame& all) {
  sig::TxDatagram datagram{{to, 53}, {}, pool.allocate(kHeadroom + wire::udp::kHeaderSize)};
  std::size_t at = std::min<std::size_t>(all.size(), 101);
  copy_bytes(datagram.payload.append(at), part(all, 0, at));
  while (at < all.size()) {
    const Frame piece = part(all, at, 4001);
    datagram.payload.chain().push(Slice(pool.copy(piece)));
    at += piece.size();
  }
  return datagram;
}

TEST(Fragments, CarryDatagramsOfAnySizeOverBothFamilies) {
  BufferPool pool(40, 4096);
  for (const bool v6_too : {false, true}) {
    const auto a = Node::ready(1, "2001:db8::1/64"), b = Node::ready(2, "2001:db8::2/64");
    a->v4.add_address(*a->link, {v4_address(1), 24}, a->now);
    b->v4.add_address(*b->link, {v4_address(2), 24}, b->now);
    exchange({a.get(), b.get()});
    const IpAddress to = v6_too ? v6("2001:db8::2") : IpAddress(v4_address(2));
    a->send(to, "hello");
    exchange({a.get(), b.get()});
    b->delivered.clear();
    for (const std::size_t size : {1453, 1473, 2960, 2961, 9999, 30'000, 65'507}) {
      const Frame all = pattern(size);
      a->udp.send(long_datagram(pool, to, all), *a, a->now);
      EXPECT_GE(a->sent.size(), size / 1480) << size;
      std::ranges::reverse(a->sent);
      for (const Frame& frame : a->sent) EXPECT_LE(frame.size(), 1514u);
      exchange({a.get(), b.get()});
      ASSERT_EQ(b->delivered.size(), 1u) << size;
      EXPECT_TRUE(b->delivered[0].text == as_text(all)) << size;
      b->delivered.clear();
    }
    a->udp.send(long_datagram(pool, to, pattern(65'508)), *a, a->now);
    EXPECT_EQ(a->count("too_long"), 1u);
  }
}

TEST(Fragments, OfALongEchoRequestAreAnsweredInFragments) {
  const auto a = Node::ready(1, "2001:db8::1/64"), b = Node::ready(2, "2001:db8::2/64");
  const Frame whole =
      icmp6_frame({.from = v6("2001:db8::2"), .to = v6("2001:db8::1")}, 128, 0, pattern(5000));
  const Frame message = part(whole, 54, 6000);
  a->teach(v6("2001:db8::2"), 2);
  for (std::size_t at = 0; at < message.size(); at += 1400) {
    Frame header = hex("3a00000012345678");
    store_be(MutableBytes(header).subspan(2),
             static_cast<std::uint16_t>(at | (at + 1400 < message.size() ? 1 : 0)));
    a->receive(ip6_frame({.from = v6("2001:db8::2"), .to = v6("2001:db8::1"), .next = 44},
                         header + part(message, at, 1400)));
  }
  EXPECT_EQ(a->sent.size(), 4u);
  EXPECT_EQ(a->count("v6_reassembled"), 1u);
  exchange({a.get(), b.get()});
  EXPECT_EQ(b->count("v6_reassembled"), 1u);
}

TEST(Fragments, ThatAreWrongAreCountedAndAnsweredAsRfc8200Says) {
  struct Case {
    const char* what;
    const char* header;  // of the fragment
    std::size_t size;
    int code;  // of a parameter problem; -1: none
    std::uint32_t pointer;
  };
  for (const Case& each : {Case{"of odd length", "1100000100000001", 9, 0, 4},
                           {"beyond 65535 bytes", "1100fff900000001", 16, 0, 42},
                           {"without all headers", "3c00000100000001", 8, 3, 0},
                           {"of nothing", "1100000900000001", 0, -1, 0},
                           {"in a fragment header that is cut", "11000001", 0, -1, 0}}) {
    const auto node = Node::ready(1, "2001:db8::1/64");
    node->teach(v6("2001:db8::2"), 2);
    node->receive(ip6_frame({.from = v6("2001:db8::2"), .to = v6("2001:db8::1"), .next = 44},
                            hex(each.header) + Frame(each.size, std::byte{0x3c})));
    EXPECT_EQ(node->count("v6_bad_fragment") + node->count("v6_bad_extension"), 1u) << each.what;
    ASSERT_EQ(node->sent.size(), each.code < 0 ? 0u : 1u) << each.what;
    if (each.code < 0) continue;
    EXPECT_EQ(static_cast<int>(node->packet(0).payload[1]), each.code) << each.what;
    EXPECT_EQ(load_be<std::uint32_t>(Bytes(node->packet(0).payload).subspan(4)), each.pointer)
        << each.what;
  }
}

TEST(Fragments, ThatNeverBecomeAPacketAreReportedToTheirSender) {
  const auto node = Node::ready(1, "2001:db8::1/64");
  node->teach(v6("2001:db8::2"), 2);
  node->receive(ip6_frame({.from = v6("2001:db8::2"), .to = v6("2001:db8::1"), .next = 44},
                          hex("1100000100000001") + pattern(64)));
  node->host.confirm_reachable(v6("2001:db8::2"), node->now);
  node->pass(seconds(60));
  ASSERT_EQ(node->sent.size(), 1u);
  EXPECT_EQ(node->packet(0).type(), 3);
  EXPECT_EQ(node->packet(0).payload[1], std::byte{1});
  Recorder four;
  four.pass(seconds(3));
  four.teach(2);
  four.receive(ip_frame({.flags = 0x2000}, pattern(64)));
  four.pass(seconds(31));
  ASSERT_EQ(four.sent.size(), 1u);
  EXPECT_EQ(four.sent[0][34], std::byte{11});
  EXPECT_EQ(four.sent[0][35], std::byte{1});
}

}  // namespace
}  // namespace fata::ip
