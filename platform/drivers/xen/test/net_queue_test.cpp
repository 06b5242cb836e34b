#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "fata/sim/effort.hpp"

#include "net_world.hpp"

namespace fata::xen {
namespace {

std::vector<std::byte> joined(Bytes first, const BufferChain& more) {
  std::vector<std::byte> all(first.size() + (more.empty() ? 0 : more.bytes()));
  std::size_t done = copy_bytes(all, first);
  for (const Slice& piece : more.pieces())
    done += copy_bytes(MutableBytes(all).subspan(done), piece.bytes());
  return all;
}
std::vector<std::byte> flat(const PacketBuf& packet) {
  return joined(packet.bytes(), packet.chain());
}
std::vector<std::byte> flat(const sig::RxFrame& frame) {
  return joined(frame.frame.bytes(), frame.more);
}
void fill(MutableBytes bytes, std::mt19937& random) {
  static const std::vector<std::byte> noise = [] {
    std::vector<std::byte> made(200'000);
    std::mt19937 source(1);
    for (std::byte& byte : made) byte = static_cast<std::byte>(source());
    return made;
  }();
  copy_bytes(bytes, Bytes(noise).subspan(random() % 100'000));
}

// Makes packets like the stack's, and unusual ones, whose pieces start anywhere and cross pages.
PacketBuf make_packet(NetQueue& queue, BufferPool& pieces, std::mt19937& random) {
  PacketBuf packet = queue.allocate(random() % 200);
  if (!packet) return packet;
  fill(packet.append(1 + random() % (random() % 2 != 0 ? 60 : packet.tailroom())), random);
  packet.offload().checksum_needed = random() % 2 != 0;
  if (random() % 2 != 0) return packet;
  const std::size_t count = 1 + random() % BufferChain::kMax;
  for (std::size_t i = 0; i < count; ++i) {
    PacketBuf piece = pieces.allocate(random() % 200);
    if (!piece) break;
    fill(piece.append(1 + random() % (65000 / count)), random);
    Slice slice(std::move(piece));
    slice.trim_front(random() % slice.size());
    packet.chain().push(std::move(slice));
  }
  if (random() % 2 != 0) {
    packet.offload().gso = random() % 2 != 0 ? Offload::Gso::kTcpV4 : Offload::Gso::kTcpV6;
    packet.offload().gso_size = static_cast<std::uint16_t>(1 + random() % 1460);
  }
  return packet;
}

sim::NetBackend::Packet as_sent(const PacketBuf& packet) {
  const Offload& offload = packet.offload();
  const std::uint8_t type = offload.gso == Offload::Gso::kNone    ? XEN_NETIF_GSO_TYPE_NONE
                            : offload.gso == Offload::Gso::kTcpV4 ? XEN_NETIF_GSO_TYPE_TCPV4
                                                                  : XEN_NETIF_GSO_TYPE_TCPV6;
  return {flat(packet), offload.checksum_needed, type, offload.gso_size};
}
sim::NetBackend::Packet make_frame(std::mt19937& random) {
  sim::NetBackend::Packet frame;
  frame.bytes.resize(random() % 4 != 0 ? 1 + random() % 1514 : 1 + random() % 65535);
  fill(frame.bytes, random);
  frame.checksum_blank = random() % 2 != 0;
  if (random() % 4 == 0) {
    frame.gso_type = random() % 2 != 0 ? XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6;
    frame.gso_size = static_cast<std::uint16_t>(1 + random() % 9000);
  }
  return frame;
}
void expect_same(const sim::NetBackend::Packet& a, const sim::NetBackend::Packet& b) {
  ASSERT_TRUE(equal_bytes(a.bytes, b.bytes));
  ASSERT_EQ(a.checksum_blank, b.checksum_blank);
  ASSERT_EQ(a.gso_type, b.gso_type);
  ASSERT_EQ(a.gso_size, b.gso_size);
}
sim::NetBackend::Packet as_received(const sig::RxFrame& frame) {
  const std::uint8_t type = frame.offload.gso == Offload::Gso::kNone    ? XEN_NETIF_GSO_TYPE_NONE
                            : frame.offload.gso == Offload::Gso::kTcpV4 ? XEN_NETIF_GSO_TYPE_TCPV4
                                                                        : XEN_NETIF_GSO_TYPE_TCPV6;
  return {flat(frame), frame.offload.checksum_valid, type, frame.offload.gso_size};
}

// Both engines act in random order; each sleeps only after requesting a notification, so that a
// lost notification ends the run.
void run(unsigned seed, const NetQueue::Sizes& sizes, int rounds) {
  std::mt19937 random(seed);
  World world(sizes);
  BufferPool pieces(64, 66000);
  std::deque<sim::NetBackend::Packet> sent, given;
  std::vector<sig::RxFrame> kept;
  std::array<sig::RxFrame, 64> in;
  sim::NetBackend& backend = world.connect();
  bool front_awake = true, back_awake = true;
  std::optional<sim::NetBackend::Packet> frame;
  const auto front = [&](bool idle) {
    std::vector<PacketBuf> out;
    for (std::size_t i = idle ? 0 : random() % 12; i != 0; --i) {
      if (PacketBuf packet = make_packet(world.queue, pieces, random))
        out.push_back(std::move(packet));
    }
    std::vector<sim::NetBackend::Packet> copies;
    for (const PacketBuf& packet : out) copies.push_back(as_sent(packet));
    const std::size_t taken = world.queue.send(out);
    for (std::size_t i = 0; i < taken; ++i) sent.push_back(std::move(copies[i]));
    out.clear();
    const std::size_t count = world.queue.receive(std::span(in).first(1 + random() % in.size()));
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_FALSE(given.empty());
      expect_same(as_received(in[i]), given.front());
      given.pop_front();
      if (random() % 4 == 0 && kept.size() < 20 && !idle) kept.push_back(std::move(in[i]));
      in[i] = {};
    }
    if (random() % 8 == 0 || idle) kept.clear();
    if (random() % 4 == 0 || idle) world.queue.reap();
    world.queue.refill();
    back_awake = world.queue.publish() || back_awake;
    ASSERT_FALSE(world.queue.broken());
  };
  for (int round = 0; round < rounds; ++round) {
    if (front_awake) {
      front(false);
      if (testing::Test::HasFatalFailure()) return;
      if (random() % 4 == 0) {  // nothing to send for now
        const bool received = world.queue.ask_received();
        front_awake = !(world.queue.ask_sent() && received);
      }
    }
    if (back_awake) {
      for (std::size_t i = random() % 16; i != 0; --i) {
        const auto packet = backend.take();
        if (!packet) break;
        ASSERT_FALSE(sent.empty());
        expect_same(*packet, sent.front());
        sent.pop_front();
      }
      for (std::size_t i = random() % 60; i != 0; --i)
        front_awake = backend.answer_one(random) || front_awake;
      for (std::size_t i = random() % 12; i != 0; --i) {
        if (!frame) frame = make_frame(random);
        bool notify = false;
        if (!backend.give(*frame, random, notify)) break;
        front_awake = notify || front_awake;
        given.push_back(std::move(*frame));
        frame.reset();
      }
      if (backend.unanswered() == 0 && random() % 2 != 0) back_awake = !backend.may_sleep();
    }
    if (!front_awake && !back_awake) {  // only if nothing is in flight
      ASSERT_TRUE(sent.empty() && given.empty()) << "a notification was lost in round " << round;
      front_awake = true;
    }
  }
  for (int left = 1000; !sent.empty() || !given.empty() || backend.unanswered() != 0; --left) {
    ASSERT_NE(left, 0) << sent.size() << " packets, " << given.size() << " frames, "
                       << backend.unanswered() << " answers";
    front(true);
    if (testing::Test::HasFatalFailure()) return;
    while (const auto packet = backend.take()) {
      expect_same(*packet, sent.front());
      sent.pop_front();
    }
    while (backend.unanswered() != 0) backend.answer_one(random);
  }
  world.queue.reap();
  EXPECT_TRUE(world.queue.all_sent());
  kept.clear();
  EXPECT_EQ(pieces.available(), pieces.count());
  EXPECT_GT(world.count(NetQueue::kSent), 100U);
  EXPECT_GT(world.count(NetQueue::kReceived), 100U);
  EXPECT_EQ(world.count(NetQueue::kBadLength) + world.count(NetQueue::kTooLong), 0U);
  world.part();
  EXPECT_EQ(world.count(NetQueue::kQuarantined), 0U);
}

TEST(NetQueue, CarriesEveryPacketAndFrameOfAnyShapeWhole) {
  for (unsigned seed = 1; seed <= sim::effort(1, 4); ++seed) {
    run(seed, {}, 500);
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
}
TEST(NetQueue, DoesTheSameInLittleMemory) {
  for (unsigned seed = 11; seed <= sim::effort(11, 12); ++seed) {
    run(seed, {.receive = 96, .spare = 32, .send = 192, .pages = 18}, 500);
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

TEST(NetQueue, ConnectsAgainAndAgainAndEverythingComesHome) {
  World world;
  std::mt19937 random(2);
  BufferPool pieces(32, 66000);
  for (int round = 0; round < 20; ++round) {
    sim::NetBackend& backend = world.connect();
    for (int i = 0; i < 10; ++i) {
      PacketBuf packet = make_packet(world.queue, pieces, random);
      ASSERT_TRUE(packet);
      const auto copy = as_sent(packet);
      ASSERT_EQ(world.queue.send({&packet, 1}), 1U);
      world.queue.publish();
      if (random() % 2 == 0) expect_same(*backend.take(), copy), backend.answer_one(random);
      while (backend.take()) {
      }
    }
    bool notify = false;
    const auto frame = make_frame(random);
    ASSERT_TRUE(backend.give(frame, random, notify));
    if (round % 2 != 0) {
      std::array<sig::RxFrame, 4> in;
      ASSERT_EQ(world.queue.receive(in), 1U);
      expect_same(as_received(in[0]), frame);
    }
    world.part();  // with packets in flight
    EXPECT_EQ(pieces.available(), pieces.count());
  }
  EXPECT_EQ(world.count(NetQueue::kQuarantined), 0U);
}

TEST(NetQueue, ForgetsItsGrantsOnAnotherHost) {
  World world;
  sim::NetBackend& backend = world.connect();
  PacketBuf packet = world.queue.allocate(0);
  packet.append(100);
  ASSERT_EQ(world.queue.send({&packet, 1}), 1U);
  world.queue.publish();
  ASSERT_TRUE(backend.take());
  backend.close();
  world.host.move_on();
  world.grants.resume();
  world.queue.disconnect(true);
  EXPECT_EQ(world.grants.in_use(), 0U);
  world.backend.reset();
  std::mt19937 random(1);
  sim::NetBackend& next = world.connect();
  bool notify = false;
  ASSERT_TRUE(next.give(make_frame(random), random, notify));
  std::array<sig::RxFrame, 1> in;
  EXPECT_EQ(world.queue.receive(in), 1U);
  in[0] = {};
  world.part();
}

TEST(NetQueue, GivesEverythingBackIfTheTableOfGrantsIsFull) {
  World world({}, 1);
  const std::size_t all = GrantTable::kPerFrame - GNTTAB_NR_RESERVED_ENTRIES;
  std::vector<GrantRef> taken;
  for (std::size_t left : {std::size_t{0}, std::size_t{1}}) {
    while (world.grants.in_use() < all - left) taken.push_back(*world.grants.grant(1, 1, true));
    EXPECT_FALSE(world.queue.connect(kBackend));
    EXPECT_FALSE(world.queue.connected());
    EXPECT_EQ(world.grants.in_use(), all - left);
    world.grants.end(taken.back());
    taken.pop_back();
  }
  // The free grants suffice for the rings and some receive buffers, but none is left for sending.
  for (int i = 0; i < 8; ++i) world.grants.end(taken.back()), taken.pop_back();
  sim::NetBackend& backend = world.connect();
  EXPECT_EQ(world.grants.in_use(), all);
  PacketBuf packet = world.queue.allocate(0);
  packet.append(10);
  EXPECT_EQ(world.queue.send({&packet, 1}), 0U);
  EXPECT_TRUE(packet) << "it is still the caller's";
  packet.reset();
  // A packet of two pages with one free grant uses none of it.
  world.grants.end(taken.back());
  taken.pop_back();
  BufferPool pool(1, 8000);
  packet = world.queue.allocate(0);
  packet.append(10);
  packet.chain().push(Slice(pool.copy(std::vector<std::byte>(5000))));
  EXPECT_EQ(world.queue.send({&packet, 1}), 0U);
  EXPECT_EQ(world.grants.in_use(), all - 1);
  world.queue.publish();
  EXPECT_FALSE(backend.take());
  packet.reset();
  for (const GrantRef ref : taken) world.grants.end(ref);
  world.part();
}

TEST(NetQueue, TakesPacketsUntilTheRingIsFullAndGoesOnWhenAnswered) {
  World world({.send = 600});
  sim::NetBackend& backend = world.connect();
  std::mt19937 random(4);
  std::size_t sent = 0;
  for (;; ++sent) {
    PacketBuf packet = world.queue.allocate(0);
    ASSERT_TRUE(packet);
    packet.append(60);
    if (world.queue.send({&packet, 1}) == 0) break;
  }
  EXPECT_FALSE(world.queue.has_room());
  EXPECT_GT(sent, 200U);
  world.queue.publish();
  std::size_t taken = 0;
  while (backend.take()) ++taken;
  EXPECT_EQ(taken, sent);
  while (backend.unanswered() != 0) backend.answer_one(random);
  world.queue.reap();
  EXPECT_TRUE(world.queue.has_room() && world.queue.all_sent());
  world.part();
}

// A grant covers a whole page, so the backend could read the memory beside a piece.
TEST(NetQueue, GrantsNoPageInWhichOthersHaveMemory) {
  World world;
  sim::NetBackend& backend = world.connect();
  BufferPool pieces(64, 66000);
  const Bytes others = pieces.memory();
  std::mt19937 random(7);
  std::size_t with_pieces = 0;
  for (int i = 0; i < 1000; ++i) {
    PacketBuf packet = make_packet(world.queue, pieces, random);
    ASSERT_TRUE(packet);
    if (packet.total_size() > 0xffff) continue;
    with_pieces += packet.chain().empty() ? 0 : 1;
    const sim::NetBackend::Packet sent = as_sent(packet);
    ASSERT_EQ(world.queue.send({&packet, 1}), 1U);
    for (GrantRef ref = 0; ref < 512 * world.host.table_frames(); ++ref) {
      const std::byte* const page = world.host.page(ref, kBackend, false);
      ASSERT_FALSE(page != nullptr && page >= others.data() &&
                   page < others.data() + others.size());
    }
    world.queue.publish();
    const auto taken = backend.take();
    ASSERT_TRUE(taken);
    expect_same(*taken, sent);
    while (backend.unanswered() != 0) backend.answer_one(random);
    world.queue.reap();
  }
  EXPECT_GT(with_pieces, 300U);
  EXPECT_EQ(pieces.available(), pieces.count()) << "a copy lets go of the pieces at once";
  world.part();
}

TEST(NetQueue, DropsWhatIsNoPacketAndCountsIt) {
  World world;
  sim::NetBackend& backend = world.connect();
  BufferPool big(20, 66000);
  struct Case {
    const char* name;
    std::size_t own, pieces, each;
  };
  for (const Case& one :
       {Case{"a byte too long", 36, 1, 65500}, Case{"far too long", 1, 20, 66000},
        Case{"too long in many pieces", 100, 20, 4000}, Case{"nothing at all", 0, 0, 0}}) {
    const std::uint64_t before = world.count(NetQueue::kTooLong);
    PacketBuf packet = world.queue.allocate(0);
    packet.append(one.own);
    for (std::size_t i = 0; i < one.pieces; ++i) {
      PacketBuf piece = big.allocate();
      piece.append(one.each);
      packet.chain().push(Slice(std::move(piece)));
    }
    EXPECT_EQ(world.queue.send({&packet, 1}), 1U) << one.name;
    EXPECT_EQ(world.count(NetQueue::kTooLong), before + 1) << one.name;
    world.queue.publish();
    EXPECT_FALSE(backend.take()) << one.name;
    EXPECT_EQ(big.available(), big.count()) << one.name;
  }
  world.part();
}

TEST(NetQueue, HasNoBufferWhenAllFramesAreHeldAndGoesOnWhenTheyAreNot) {
  World world({.receive = 8, .spare = 0});
  sim::NetBackend& backend = world.connect();
  std::mt19937 random(9);
  std::vector<sig::RxFrame> held(8);
  sim::NetBackend::Packet frame;
  frame.bytes.assign(100, std::byte{1});
  bool notify = false;
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(backend.give(frame, random, notify));
  ASSERT_EQ(world.queue.receive(held), 8U);
  world.queue.publish();
  EXPECT_TRUE(world.queue.low_on_buffers());
  EXPECT_FALSE(backend.give(frame, random, notify));
  held.clear();
  world.queue.refill();
  world.queue.publish();
  EXPECT_EQ(backend.buffers(), 8U);
  EXPECT_TRUE(backend.give(frame, random, notify));
  world.part();
}

}  // namespace
}  // namespace fata::xen
