#include "fata/ip/waiting.hpp"

#include "nodes.hpp"

namespace fata::ip {
namespace {

struct Waiting {
  // The packet contains its number.
  PacketBuf packet(std::uint32_t number, std::size_t size = 4) {
    PacketBuf made = pool.allocate();
    store_be(made.append(size), number);
    return made;
  }
  std::vector<std::uint32_t> take(WaitingPackets::Queue& queue) {
    std::vector<std::uint32_t> numbers;
    while (const PacketBuf each = packets.pop(queue))
      numbers.push_back(load_be<std::uint32_t>(each.bytes()));
    return numbers;
  }

  BufferPool pool{100, 65536};
  WaitingPackets packets;
};

TEST(WaitingPackets, AreGivenBackInOrderFromAQueueOfTheirNeighbour) {
  Waiting test;
  WaitingPackets::Queue one, two;
  for (std::uint32_t i = 0; i < 6; ++i) test.packets.push(i % 2 == 0 ? one : two, test.packet(i));
  EXPECT_EQ(test.take(two), (std::vector<std::uint32_t>{1, 3, 5}));
  EXPECT_EQ(test.take(one), (std::vector<std::uint32_t>{0, 2, 4}));
  EXPECT_TRUE(one.empty() && test.take(one).empty());
  EXPECT_EQ(test.packets.dropped(), 0u);
}

TEST(WaitingPackets, OfOneNeighbourAreBoundedAndTheOldestGivesWay) {
  Waiting test;
  WaitingPackets::Queue queue;
  for (std::uint32_t i = 0; i < WaitingPackets::kPacketsEach + 3; ++i)
    test.packets.push(queue, test.packet(i));
  const auto left = test.take(queue);
  EXPECT_EQ(left.size(), WaitingPackets::kPacketsEach);
  EXPECT_EQ(left.front(), 3u);
  EXPECT_EQ(test.packets.dropped(), 3u);
}

TEST(WaitingPackets, TwoOfTheLargestSizeFitForOneNeighbourAndFourForAll) {
  Waiting test;
  std::array<WaitingPackets::Queue, 3> queues;
  for (std::uint32_t i = 0; i < 3; ++i) test.packets.push(queues[0], test.packet(i, 65535));
  EXPECT_EQ(test.packets.dropped(), 1u);
  for (std::uint32_t i = 3; i < 6; ++i) test.packets.push(queues[i % 2 + 1], test.packet(i, 65535));
  EXPECT_EQ(test.packets.dropped(), 2u) << "the oldest of all";
  EXPECT_EQ(test.take(queues[0]), (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(test.take(queues[2]), (std::vector<std::uint32_t>{3, 5}));
  EXPECT_EQ(test.take(queues[1]), (std::vector<std::uint32_t>{4}));
}

TEST(WaitingPackets, AFloodToManyNeighboursPushesOutTheOldestAndLosesNoBuffer) {
  Waiting test;
  std::vector<WaitingPackets::Queue> queues(1000);
  for (std::uint32_t i = 0; i < queues.size(); ++i) test.packets.push(queues[i], test.packet(i));
  EXPECT_EQ(test.pool.available() + WaitingPackets::kPackets, test.pool.count());
  for (std::uint32_t i = 0; i < queues.size(); ++i)
    EXPECT_EQ(queues[i].empty(), i < queues.size() - WaitingPackets::kPackets) << i;
  EXPECT_EQ(test.take(queues.back()), (std::vector<std::uint32_t>{999}));
  for (WaitingPackets::Queue& each : queues) test.packets.drop(each);
  EXPECT_EQ(test.packets.dropped(), 999u);
  EXPECT_EQ(test.pool.available(), test.pool.count());
}

// The first reply to an unresolved neighbour (RFC 1122 section 2.3.2.2).
TEST(FirstAnswer, InFragmentsWaitsAsAWholeOverBothFamilies) {
  BufferPool pool(8, 65536);
  for (const bool v6_too : {false, true}) {
    for (const std::size_t size : {1400, 3000, 30'000, 65'507}) {
      const auto a = Node::ready(1, "2001:db8::1/64"), b = Node::ready(2, "2001:db8::2/64");
      a->v4.add_address(*a->link, {v4_address(1), 24}, a->now);
      b->v4.add_address(*b->link, {v4_address(2), 24}, b->now);
      a->sent.clear();
      b->sent.clear();
      sig::TxDatagram datagram{{v6_too ? v6("2001:db8::2") : IpAddress(v4_address(2)), 53}, {}, {}};
      datagram.payload = pool.allocate(kHeadroom + wire::udp::kHeaderSize);
      const std::size_t first = std::min<std::size_t>(size, 60'000);
      std::ranges::fill(datagram.payload.append(first), std::byte{'x'});
      if (first != size) {
        PacketBuf rest = pool.allocate();
        std::ranges::fill(rest.append(size - first), std::byte{'x'});
        datagram.payload.chain().push(Slice(std::move(rest)));
      }
      a->udp.send(std::move(datagram), *a, a->now);
      ASSERT_EQ(a->sent.size(), 1u) << "only the question for the address";
      exchange({a.get(), b.get()});
      ASSERT_EQ(b->delivered.size(), 1u) << size << (v6_too ? " IPv6" : " IPv4");
      EXPECT_EQ(b->delivered[0].text, std::string(size, 'x'));
      EXPECT_EQ(a->count("waited_in_vain") + a->count("v6_waited_in_vain"), 0u);
    }
  }
}

TEST(FirstAnswer, ThatWaitsInVainIsCountedOverBothFamilies) {
  const auto a = Node::ready(1, "2001:db8::1/64");
  a->v4.add_address(*a->link, {v4_address(1), 24}, a->now);
  for (std::size_t i = 0; i < WaitingPackets::kPacketsEach + 5; ++i) {
    a->send(v4_address(2), "x");
    a->send(v6("2001:db8::2"), "x");
  }
  for (int i = 0; i < 5; ++i) a->pass(seconds(1));
  EXPECT_EQ(a->count("waited_in_vain"), WaitingPackets::kPacketsEach + 5);
  EXPECT_EQ(a->count("v6_waited_in_vain"), 5u);
  EXPECT_EQ(a->complaints.size(), WaitingPackets::kPacketsEach) << "the sender hears of the others";
}

}  // namespace
}  // namespace fata::ip
