// ARP between whole hosts: loss, ageing, refresh, floods.
#include "world.hpp"

namespace fata::test {
namespace {

constexpr Duration kStep = milliseconds(10);

// Counts the ARP frames that hosts send.
struct ArpCount {
  unsigned broadcast_requests = 0, unicast_requests = 0, replies = 0;

  explicit ArpCount(sim::Network& network) {
    network.on_frame = [this](const sim::FrameEvent& event) {
      if (event.fate != sim::Fate::kCarried && event.fate != sim::Fate::kLost) return;
      const auto ethernet = wire::ethernet::Header::parse(event.bytes);
      if (!ethernet || ethernet->type != 0x0806) return;
      const auto packet =
          wire::arp::Packet::parse(event.bytes.subspan(wire::ethernet::kHeaderSize));
      if (!packet || packet->sender == packet->target) return;  // announcements
      if (packet->operation == wire::arp::kReply)
        ++replies;
      else
        ++(ethernet->destination == MacAddress::broadcast() ? broadcast_requests
                                                            : unicast_requests);
    };
  }
};

// Two hosts on one link, and a main that tests them.
struct Pair {
  World world;
  sim::NetDevice& a = world.nic();
  sim::NetDevice& b = world.nic();
  sim::Link& link = world.network.join(a, b);
  ArpCount arp{world.network};

  explicit Pair(std::uint64_t seed = 1) : world(seed) {}
  void run(async::Task<void> (*main)(Pair*, Stack*, Stack*)) {
    world.platform.run([&] { return wrapped(this, main); });
  }

 private:
  static async::Task<int> wrapped(Pair* self, async::Task<void> (*main)(Pair*, Stack*, Stack*)) {
    const auto one = co_await host(&self->world, &self->a, cidr(1));
    const auto two = co_await host(&self->world, &self->b, cidr(2));
    co_await async::sleep(kStep);  // the announcements are over
    co_await main(self, one.get(), two.get());
    co_return 0;
  }
};

async::Task<void> all_wait(Pair* pair, Stack* a, Stack* b) {
  const auto from = bound(*a, 0);
  const auto to = bound(*b, 7);
  pair->link.options.up = false;
  for (const char* text : {"first", "second", "third"})
    EXPECT_TRUE(co_await send(from.get(), at(2, 7), text));
  co_await async::sleep(milliseconds(500));
  EXPECT_EQ(a->arp_cache().dropped(), 0u);
  EXPECT_EQ(pair->arp.broadcast_requests, 1u) << "packets that wait do not ask again";
  pair->link.options.up = true;
  for (const char* text : {"first", "second", "third"}) {
    const auto heard = co_await receive(to.get(), seconds(5));
    EXPECT_TRUE(heard && heard->text == text) << text;
  }
  EXPECT_EQ(pair->arp.broadcast_requests, 2u);
  EXPECT_FALSE(co_await receive(to.get(), seconds(5)));
}

TEST(Arp, WhileAnAddressIsUnknownPacketsWaitAndLeaveInOrderWithTheAnswer) { Pair().run(all_wait); }

async::Task<void> silence(Pair* pair, Stack* a, Stack*) {
  const auto from = bound(*a, 0);
  EXPECT_TRUE(co_await send(from.get(), at(77, 7), "nobody is there"));
  const std::size_t before = pair->a.pool().available();
  co_await async::sleep(seconds(10));
  EXPECT_EQ(pair->arp.broadcast_requests, ip::arp::Cache::kMaxRequests);
  EXPECT_EQ(a->arp_cache().dropped(), 1u);
  EXPECT_EQ(a->arp_cache().size(), 0u);
  EXPECT_EQ(pair->a.pool().available(), before + 1);
}

TEST(Arp, AnAddressThatNobodyHasIsAskedForThreeTimesAndGivenUp) { Pair().run(silence); }

async::Task<void> under_loss(Pair* pair, Stack* a, Stack* b) {
  const auto from = bound(*a, 0);
  const auto to = bound(*b, 7);
  pair->link.options.loss = 500;
  const Instant start = pair->world.platform.now();
  bool arrived = false;
  while (!arrived && pair->world.platform.now() - start < seconds(120)) {
    EXPECT_TRUE(co_await send(from.get(), at(2, 7), "still there?"));
    arrived = (co_await receive(to.get(), milliseconds(100))).has_value();
  }
  EXPECT_TRUE(arrived);
  const auto elapsed = static_cast<unsigned>((pair->world.platform.now() - start).s());
  EXPECT_LE(pair->arp.broadcast_requests, elapsed + 2)
      << "more than one request a second (RFC 1122 section 2.3.2.1)";
}

TEST(Arp, ResolvesOverALinkThatLosesHalfAndAsksAtMostOnceASecond) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Pair(seed).run(under_loss);
  }
}

async::Task<void> idle(Pair* pair, Stack* a, Stack* b) {
  const auto from = bound(*a, 0);
  const auto to = bound(*b, 7);
  EXPECT_TRUE(co_await send(from.get(), at(2, 7), "hello"));
  EXPECT_TRUE(co_await receive(to.get(), seconds(1)));
  EXPECT_EQ(a->arp_cache().size(), 1u);
  EXPECT_EQ(b->arp_cache().size(), 1u) << "who is asked learns the asker";
  co_await async::sleep(ip::arp::Cache::kReachable + seconds(3));  // since the second announcement
  EXPECT_EQ(a->arp_cache().size(), 0u);
  EXPECT_EQ(b->arp_cache().size(), 0u);
  EXPECT_EQ(pair->arp.broadcast_requests, 1u) << "ageing alone asks nothing";
}

TEST(Arp, AnEntryThatIsNotUsedEndsWithoutANoise) { Pair().run(idle); }

async::Task<void> in_use(Pair* pair, Stack* a, Stack* b) {
  const auto from = bound(*a, 0);
  const auto to = bound(*b, 7);
  for (unsigned i = 0; i < 200; ++i) {
    EXPECT_TRUE(co_await send(from.get(), at(2, 7), std::to_string(i)));
    const auto heard = co_await receive(to.get(), kStep);
    EXPECT_TRUE(heard && heard->text == std::to_string(i)) << i;
    co_await async::sleep(seconds(5));
  }
  EXPECT_EQ(pair->arp.broadcast_requests, 1u) << "later requests go to the known address";
  EXPECT_GE(pair->arp.unicast_requests, 3u);
  EXPECT_LE(pair->arp.unicast_requests, 4u);
}

TEST(Arp, AnEntryInUseIsRefreshedByUnicastBeforeItEnds) { Pair().run(in_use); }

async::Task<int> moved(World* world, std::vector<sim::NetDevice*> nics) {
  const auto a = co_await host(world, nics[0], cidr(1));
  auto old = co_await host(world, nics[1], cidr(2));
  const auto from = bound(*a, 0);
  auto to = bound(*old, 7);
  EXPECT_TRUE(co_await send(from.get(), at(2, 7), "old"));
  EXPECT_TRUE(co_await receive(to.get(), seconds(1)));
  to.reset();
  old.reset();
  // The same address on another NIC. Its announcement is enough to move the entry.
  const auto replacement = co_await host(world, nics[2], cidr(2));
  co_await async::sleep(kStep);
  to = bound(*replacement, 7);
  EXPECT_TRUE(co_await send(from.get(), at(2, 7), "new"));
  const auto heard = co_await receive(to.get(), kStep);
  EXPECT_TRUE(heard && heard->text == "new");
  to.reset();
  co_return 0;
}

TEST(Arp, AnAnnouncementMovesAKnownAddressToItsNewNic) {
  World world;
  sim::LearningSwitch& middle = world.network.add_switch();
  for (int i = 0; i < 3; ++i) world.network.join(world.nic(), middle.port());
  world.platform.run([&] { return moved(&world, world.nics); });
}

async::Task<int> flood(World* world, sim::NetDevice* attacker, sim::NetDevice* victim) {
  const auto b = co_await host(world, victim, cidr(2, 8));
  const auto socket = bound(*b, 7);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    std::array<PacketBuf, 1> frame{attacker->allocate(0)};
    wire::ethernet::Header{MacAddress::broadcast(), attacker->mac(), 0x0806}.write(
        frame[0].append(14));
    MacAddress from = attacker->mac();
    store_be(MutableBytes(from.octets).subspan(2), i + 1000);
    wire::arp::Packet{wire::arp::kRequest, from, {0x0a010000 + i}, {}, cidr(2).address}.write(
        frame[0].append(28));
    EXPECT_EQ(attacker->send(frame), 1u);
    co_await async::sleep(microseconds(100));
    std::array<sig::RxFrame, 16> replies;
    (void)co_await attacker->receive(replies, async::Wait::at_most(microseconds(10)));
  }
  EXPECT_EQ(b->host().count("arp_replies"), 5000u);
  EXPECT_LE(b->arp_cache().size(), ip::arp::Cache::kEntries);
  EXPECT_GT(b->arp_cache().size(), ip::arp::Cache::kEntries / 2);
  // The reverse: the host itself sends to addresses that do not exist.
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const Endpoint to{Ipv4Address{0x0a020000 + i}, 9};
    EXPECT_TRUE(co_await send(socket.get(), to, "hello")) << "the pool ran dry at " << i;
  }
  EXPECT_LE(b->arp_cache().size(), ip::arp::Cache::kEntries);
  co_await async::sleep(seconds(400));
  EXPECT_EQ(b->arp_cache().size(), 0u);
  EXPECT_EQ(victim->pool().available(), victim->pool().count());
  co_return 0;
}

TEST(Arp, AFloodOfAddressesFillsTheTableAndNothingElse) {
  World world;
  sim::NetDevice& attacker = world.nic();
  sim::NetDevice& victim = world.nic();
  world.network.join(attacker, victim);
  world.platform.run([&] { return flood(&world, &attacker, &victim); });
}

}  // namespace
}  // namespace fata::test
