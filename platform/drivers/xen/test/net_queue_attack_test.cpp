// Tests a backend that breaks the protocol. The queue must detect this, return nothing that the
// backend can still write, and work again with a better backend.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "net_world.hpp"

namespace fata::xen {
namespace {

constexpr std::size_t kSent = 3;

netif_rx_request_t take_buffer(World& world) {
  return *RING_GET_REQUEST(&world.backend->rx(), world.backend->rx().req_cons++);
}
void put_frame(World& world, const netif_rx_response_t& response) {
  netif_rx_back_ring& ring = world.backend->rx();
  *RING_GET_RESPONSE(&ring, ring.rsp_prod_pvt++) = response;
  RING_PUSH_RESPONSES(&ring);
}
void put_extra(World& world, const netif_extra_info_t& extra) {
  netif_rx_back_ring& ring = world.backend->rx();
  std::memcpy(RING_GET_RESPONSE(&ring, ring.rsp_prod_pvt++), &extra, sizeof(netif_rx_response_t));
  RING_PUSH_RESPONSES(&ring);
}
void put_sent(World& world, const netif_tx_response_t& response) {
  netif_tx_back_ring& ring = world.backend->tx();
  *RING_GET_RESPONSE(&ring, ring.rsp_prod_pvt++) = response;
  RING_PUSH_RESPONSES(&ring);
}

// Connects, and sends three packets that the backend takes.
void prepare(World& world) {
  sim::NetBackend& backend = world.connect();
  for (std::size_t i = 0; i < kSent; ++i) {
    PacketBuf packet = world.queue.allocate(0);
    packet.append(100);
    ASSERT_EQ(world.queue.send({&packet, 1}), 1U);
  }
  world.queue.publish();
  for (std::size_t i = 0; i < kSent; ++i) ASSERT_TRUE(backend.take());
}

struct Attack {
  const char* name;
  void (*play)(World&);
};
const Attack kAttacks[] = {
    {"an id that is not that of the slot",
     [](World& w) { put_frame(w, {static_cast<std::uint16_t>(take_buffer(w).id + 1), 0, 0, 60}); }},
    {"an id out of range", [](World& w) { take_buffer(w), put_frame(w, {0xffff, 0, 0, 60}); }},
    {"more frames than buffers", [](World& w) { w.backend->rx().sring->rsp_prod = 257; }},
    {"frames that come back", [](World& w) { w.backend->rx().sring->rsp_prod = 0xffffffff; }},
    {"a frame whose page it goes on using",
     [](World& w) {
       const netif_rx_request_t buffer = take_buffer(w);
       w.host.hold(buffer.gref, kBackend, true);
       put_frame(w, {buffer.id, 0, 0, 60});
     }},
    {"a packet answered that is still used", [](World& w) { put_sent(w, {0, NETIF_RSP_OKAY}); }},
    {"an answer to what was never sent",
     [](World& w) {
       w.backend->close();
       put_sent(w, {100, NETIF_RSP_OKAY});
     }},
    {"an answer out of range",
     [](World& w) {
       w.backend->close();
       put_sent(w, {0xffff, NETIF_RSP_OKAY});
     }},
    {"two answers to one packet",
     [](World& w) {
       w.backend->close();
       put_sent(w, {1, NETIF_RSP_OKAY});
       put_sent(w, {1, NETIF_RSP_OKAY});
     }},
    {"more answers than packets", [](World& w) { w.backend->tx().sring->rsp_prod = 4; }},
};

TEST(NetQueue, NoticesABackendThatLiesAndWorksAgainWithABetterOne) {
  for (const Attack& attack : kAttacks) {
    World world;
    prepare(world);
    attack.play(world);
    std::array<sig::RxFrame, 8> in;
    EXPECT_EQ(world.queue.receive(in), 0U) << attack.name;
    world.queue.reap();
    EXPECT_TRUE(world.queue.broken()) << attack.name;
    world.backend.reset();
    world.queue.disconnect(false);
    EXPECT_FALSE(world.queue.connected());
    world.host.release_all();
    std::mt19937 random(1);
    sim::NetBackend& next = world.connect();
    EXPECT_FALSE(world.queue.broken()) << attack.name;
    bool notify = false;
    sim::NetBackend::Packet frame;
    frame.bytes.assign(1000, std::byte{7});
    ASSERT_TRUE(next.give(frame, random, notify)) << attack.name;
    EXPECT_EQ(world.queue.receive(in), 1U) << attack.name;
    in[0] = {};
    PacketBuf packet = world.queue.allocate(0);
    packet.append(100);
    EXPECT_EQ(world.queue.send({&packet, 1}), 1U) << attack.name;
    world.queue.publish();
    EXPECT_TRUE(next.take()) << attack.name;
    world.part();
  }
}

struct Oddity {
  const char* name;
  NetQueue::Count counted;
  void (*play)(World&);
};
const Oddity kOddities[] = {
    {"an error", NetQueue::kBadLength,
     [](World& w) { put_frame(w, {take_buffer(w).id, 0, 0, -1}); }},
    {"an empty frame", NetQueue::kBadLength,
     [](World& w) { put_frame(w, {take_buffer(w).id, 0, 0, 0}); }},
    {"an offset out of the page", NetQueue::kBadLength,
     [](World& w) { put_frame(w, {take_buffer(w).id, 4096, 0, 1}); }},
    {"a frame across the end of its page", NetQueue::kBadLength,
     [](World& w) { put_frame(w, {take_buffer(w).id, 4000, 0, 97}); }},
    {"absurd numbers", NetQueue::kBadLength,
     [](World& w) { put_frame(w, {take_buffer(w).id, 0xffff, 0, 0x7fff}); }},
    {"a bad piece in the middle", NetQueue::kBadLength,
     [](World& w) {
       put_frame(w, {take_buffer(w).id, 0, NETRXF_more_data, 60});
       put_frame(w, {take_buffer(w).id, 0, NETRXF_more_data, -1});
       put_frame(w, {take_buffer(w).id, 0, 0, 60});
     }},
    {"a bad first piece", NetQueue::kBadLength,
     [](World& w) {
       put_frame(w, {take_buffer(w).id, 0, NETRXF_more_data, 0});
       put_frame(w, {take_buffer(w).id, 0, 0, 60});
     }},
    {"a frame of more pieces than any has", NetQueue::kTooLong,
     [](World& w) {
       for (int i = 0; i < 60; ++i) put_frame(w, {take_buffer(w).id, 0, NETRXF_more_data, 4096});
       put_frame(w, {take_buffer(w).id, 0, 0, 60});
     }},
    {"segments of no size", NetQueue::kReceived,
     [](World& w) {
       put_frame(w, {take_buffer(w).id, 0, NETRXF_extra_info, 60});
       netif_extra_info_t extra{};
       extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
       extra.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
       take_buffer(w);
       put_extra(w, extra);
     }},
};

TEST(NetQueue, DropsAFrameThatIsNoneAndCarriesTheNext) {
  for (const Oddity& oddity : kOddities) {
    World world;
    world.connect();
    oddity.play(world);
    std::array<sig::RxFrame, 8> in;
    EXPECT_EQ(world.queue.receive(in), 0U) << oddity.name;
    EXPECT_FALSE(world.queue.broken()) << oddity.name;
    EXPECT_EQ(world.count(oddity.counted), oddity.counted == NetQueue::kReceived ? 0U : 1U)
        << oddity.name;
    world.queue.publish();
    EXPECT_EQ(world.backend->buffers(), 256U) << oddity.name << ": all buffers came home";
    put_frame(world, {take_buffer(world).id, 10, 0, 60});
    EXPECT_EQ(world.queue.receive(in), 1U) << oddity.name;
    EXPECT_EQ(in[0].total_size(), 60U) << oddity.name;
    in[0] = {};
    world.part();
  }
}

TEST(NetQueue, TakesExtrasThatItDoesNotKnowAndEndsNoMemoryOnThoseThatNeverEnd) {
  World world;
  world.connect();
  std::array<sig::RxFrame, 8> in;
  netif_extra_info_t extra{};
  extra.type = XEN_NETIF_EXTRA_TYPE_HASH;
  extra.flags = XEN_NETIF_EXTRA_FLAG_MORE;
  put_frame(world, {take_buffer(world).id, 0, NETRXF_extra_info, 60});
  for (int i = 0; i < 10'000; ++i) {
    take_buffer(world);
    put_extra(world, extra);
    ASSERT_EQ(world.queue.receive(in), 0U);
    world.queue.publish();
  }
  extra.flags = 0;
  take_buffer(world);
  put_extra(world, extra);
  ASSERT_EQ(world.queue.receive(in), 1U);
  EXPECT_EQ(in[0].offload.gso, Offload::Gso::kNone);
  in[0] = {};
  for (int i = 0; i < 10'000; ++i) {
    put_frame(world, {take_buffer(world).id, 0, NETRXF_more_data, 4096});
    ASSERT_EQ(world.queue.receive(in), 0U);
    world.queue.publish();
  }
  world.part();
}

TEST(NetQueue, GivesNoFrameOnceItIsBroken) {
  World world;
  world.connect();
  // The middle of three pieces stays in use: the rest must not pass as the whole frame.
  put_frame(world, {take_buffer(world).id, 0, NETRXF_more_data, 4096});
  const netif_rx_request_t middle = take_buffer(world);
  world.host.hold(middle.gref, kBackend, true);
  put_frame(world, {middle.id, 0, NETRXF_more_data, 4096});
  put_frame(world, {take_buffer(world).id, 0, 0, 60});
  std::array<sig::RxFrame, 8> in;
  EXPECT_EQ(world.queue.receive(in), 0U);
  EXPECT_TRUE(world.queue.broken());
  EXPECT_EQ(world.queue.receive(in), 0U);
  world.host.release(middle.gref);
  world.part();
}

// Pages that the backend holds at a disconnect are in no packet and no frame afterwards.
TEST(NetQueue, NeverUsesMemoryAgainThatTheBackendKeeps) {
  for (const bool rings : {false, true}) {
    World world({.receive = 32, .spare = 0, .send = 32});
    std::set<const std::byte*> kept_pages;
    std::vector<GrantRef> kept;
    world.connect();
    const auto keep = [&](GrantRef ref, bool write) {
      std::byte* const page = world.host.hold(ref, kBackend, write);
      ASSERT_NE(page, nullptr);
      kept.push_back(ref);
      kept_pages.insert(page);
    };
    for (int i = 0; i < 5; ++i) keep(take_buffer(world).gref, true);
    PacketBuf packet = world.queue.allocate(0);
    packet.append(200);
    ASSERT_EQ(world.queue.send({&packet, 1}), 1U);
    world.queue.publish();
    const GrantRef sent = RING_GET_REQUEST(&world.backend->tx(), 0)->gref;
    world.backend.reset();
    keep(sent, false);
    if (rings) keep(world.queue.tx_ring(), true), keep(world.queue.rx_ring(), true);
    world.queue.disconnect(false);
    EXPECT_EQ(world.grants.in_use(), kept.size());
    EXPECT_EQ(world.count(NetQueue::kQuarantined), kept.size());
    std::vector<std::vector<std::byte>> before;
    for (const std::byte* page : kept_pages) before.emplace_back(page, page + NetQueue::kPageSize);

    sim::NetBackend& next = world.connect();
    EXPECT_FALSE(kept_pages.contains(world.host.page(world.queue.tx_ring(), kBackend, true)));
    EXPECT_FALSE(kept_pages.contains(world.host.page(world.queue.rx_ring(), kBackend, true)));
    EXPECT_EQ(next.buffers(), 32U - 5);
    std::mt19937 random(8);
    std::array<sig::RxFrame, 32> in;
    for (int round = 0; round < 100; ++round) {
      bool notify = false;
      sim::NetBackend::Packet frame;
      frame.bytes.assign(4000, std::byte{9});
      ASSERT_TRUE(next.give(frame, random, notify));
      ASSERT_EQ(world.queue.receive(in), 1U);
      for (const std::byte* page : kept_pages) {
        ASSERT_FALSE(in[0].frame.bytes().data() >= page &&
                     in[0].frame.bytes().data() < page + NetQueue::kPageSize);
      }
      in[0] = {};
      std::vector<PacketBuf> all;
      while (PacketBuf one = world.queue.allocate(0)) {
        std::ranges::fill(one.append(one.tailroom()), std::byte{3});
        all.push_back(std::move(one));
      }
      ASSERT_EQ(all.size(), 32U - 1);
      world.queue.publish();
    }
    // A packet lies in half a page: only its buffer is kept, and a grant always exposes the other
    // half.
    std::size_t same = 0, i = 0;
    for (const std::byte* page : kept_pages)
      same += std::equal(page, page + 2048, before[i++].begin()) ? 1 : 0;
    EXPECT_GE(same, kept_pages.size() - 1);
    world.backend.reset();
    world.queue.disconnect(false);
    for (const GrantRef ref : kept) world.host.release(ref);
  }
}

// A backend unmaps the rings only after it has seen that the frontend is closed. They are kept
// until then, and used again.
TEST(NetQueue, TakesBackLaterWhatABackendLetsGoOfLater) {
  World world;
  for (int round = 0; round < 200; ++round) {
    world.connect();
    PacketBuf packet = world.queue.allocate(0);
    packet.append(100);
    ASSERT_EQ(world.queue.send({&packet, 1}), 1U);
    world.queue.publish();
    ASSERT_TRUE(world.backend->take());
    world.queue.disconnect(false);
    EXPECT_EQ(world.grants.in_use(), 3U);
    world.backend.reset();
  }
  world.connect();
  EXPECT_EQ(world.grants.in_use(), 2U + 256) << "nothing of the connections before";
  world.part();
}

TEST(NetQueue, ForgetsOnAnotherHostWhatWasKeptOnTheOldOne) {
  World world;
  world.connect();
  world.queue.disconnect(false);
  EXPECT_EQ(world.grants.in_use(), 2U);
  world.backend.reset();
  world.host.move_on();
  world.grants.resume();
  world.queue.disconnect(true);
  // Other domains use the numbers now, and must keep them.
  std::vector<GrantRef> others;
  for (int i = 0; i < 20; ++i) others.push_back(*world.grants.grant(1, 1, true));
  world.connect();
  for (const GrantRef ref : others) EXPECT_EQ(world.host.entry(ref).domid, 1);
  EXPECT_EQ(world.grants.in_use(), 20U + 2 + 256);
  for (const GrantRef ref : others) EXPECT_TRUE(world.grants.end(ref));
  world.part();
}

TEST(NetQueue, GivesUpRatherThanLoseMemoryToABackendThatKeepsEverything) {
  World world;
  std::vector<GrantRef> kept;
  int connections = 0;
  for (; connections < 1000 && world.queue.connect(kBackend); ++connections) {
    for (const GrantRef ref : {world.queue.tx_ring(), world.queue.rx_ring()}) {
      ASSERT_NE(world.host.hold(ref, kBackend, true), nullptr);
      kept.push_back(ref);
    }
    world.queue.disconnect(false);
  }
  EXPECT_LT(connections, 100);
  EXPECT_EQ(world.grants.in_use(), kept.size());
  for (const GrantRef ref : kept) world.host.release(ref);
  EXPECT_TRUE(world.queue.connect(kBackend)) << "all of it was let go of";
  world.queue.disconnect(false);
  EXPECT_EQ(world.grants.in_use(), 0U);
}

}  // namespace
}  // namespace fata::xen
