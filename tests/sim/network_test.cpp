// The simulated network itself: the promises of its links and switches.
#include <gtest/gtest.h>

#include "fata/sim/learning_switch.hpp"
#include "fata/sim/net_device.hpp"

namespace fata::sim {
namespace {

// A frame of `size` bytes; all bytes after the two addresses are `fill`.
PacketBuf frame(NetDevice& from, const MacAddress& to, std::size_t size, std::uint8_t fill = 0) {
  PacketBuf packet = from.allocate(0);
  const MutableBytes bytes = packet.append(size);
  std::ranges::fill(bytes, std::byte{fill});
  copy_bytes(bytes, to.octets);
  copy_bytes(bytes.subspan(6), from.mac().octets);
  return packet;
}
void send(NetDevice& from, PacketBuf packet) {
  std::array<PacketBuf, 1> out{std::move(packet)};
  EXPECT_EQ(from.send(out), 1u);
}
async::Task<void> idle(Duration time) { (void)co_await async::sleep(time); }

TEST(Link, DelaysByWhatItsRateAndLengthTake) {
  Platform platform;
  Network network(platform);
  NetDevice& a = network.add_device();
  NetDevice& b = network.add_device();
  LinkOptions options;
  options.delay = milliseconds(5);
  options.bits_per_second = 1'000'000;
  network.join(a, b, options);
  send(a, frame(a, b.mac(), 125));
  send(a, frame(a, b.mac(), 125));
  platform.run([] { return idle(milliseconds(6) - nanoseconds(1)); });
  EXPECT_EQ(b.waiting(), 0u);
  platform.run([] { return idle(nanoseconds(2)); });
  EXPECT_EQ(b.waiting(), 1u);
  platform.run([] { return idle(milliseconds(1)); });
  EXPECT_EQ(b.waiting(), 2u);
}

TEST(Link, DropsWhatItsQueueDoesNotHold) {
  Platform platform;
  Network network(platform);
  NetDevice& a = network.add_device();
  NetDevice& b = network.add_device();
  LinkOptions options;
  options.bits_per_second = 1'000'000;
  options.queue = 10;
  const Link& link = network.join(a, b, options);
  for (int i = 0; i < 15; ++i) send(a, frame(a, b.mac(), 100));
  platform.run([] { return idle(seconds(1)); });
  EXPECT_EQ(b.waiting(), 10u);
  EXPECT_EQ(link.count(Fate::kOverflow), 5u);
}

TEST(Link, KeepsToTheChancesItWasGiven) {
  Platform platform(5);
  Network network(platform);
  NetDevice& a = network.add_device();
  NetDevice& b = network.add_device();
  LinkOptions options;
  options.loss = 100;
  options.duplication = 50;
  options.reordering = 200;
  options.corruption = 20;
  const Link& link = network.join(a, b, options);
  constexpr std::uint64_t kFrames = 20'000;
  for (std::uint64_t i = 0; i < kFrames; ++i) {
    send(a, frame(a, b.mac(), 60));
    if (i % 16 == 0) platform.run([] { return idle(milliseconds(1)); });
  }
  const auto near = [](std::uint64_t count, std::uint64_t of, unsigned thousandths) {
    const double expected = static_cast<double>(of) * thousandths / 1000;
    return std::abs(static_cast<double>(count) - expected) < expected * 0.2;
  };
  const std::uint64_t carried = link.count(Fate::kCarried);
  EXPECT_EQ(carried + link.count(Fate::kLost), kFrames);
  EXPECT_TRUE(near(link.count(Fate::kLost), kFrames, 100)) << link.count(Fate::kLost);
  EXPECT_TRUE(near(link.count(Fate::kRepeated), carried, 50)) << link.count(Fate::kRepeated);
  EXPECT_TRUE(near(link.count(Fate::kHeldBack), carried, 200)) << link.count(Fate::kHeldBack);
  EXPECT_TRUE(near(link.count(Fate::kDamaged), carried, 20)) << link.count(Fate::kDamaged);
}

TEST(Nic, CountsWhatItsRingDoesNotHoldAndLosesNoBuffer) {
  Platform platform;
  Network network(platform);
  NetDevice& a = network.add_device();
  DeviceOptions small;
  small.ring = 4;
  NetDevice& b = network.add_device(small);
  network.join(a, b);
  for (int i = 0; i < 9; ++i) send(a, frame(a, b.mac(), 60));
  platform.run([] { return idle(seconds(1)); });
  EXPECT_EQ(b.waiting(), 4u);
  EXPECT_EQ(b.count(NetDevice::kOverrun), 5u);
  EXPECT_EQ(a.pool().available(), a.pool().count());
  EXPECT_EQ(b.pool().available(), b.pool().count() - 4);
}

TEST(Switch, FloodsUntilItHasLearnedAndThenKeepsFramesToThePairTheyAreFor) {
  Platform platform;
  Network network(platform);
  LearningSwitch& middle = network.add_switch();
  std::vector<NetDevice*> nics;
  for (int i = 0; i < 4; ++i) {
    nics.push_back(&network.add_device());
    network.join(*nics.back(), middle.port());
  }
  const auto step = [&](std::size_t from, const MacAddress& to) {
    send(*nics[from], frame(*nics[from], to, 60));
    platform.run([] { return idle(milliseconds(1)); });
    return std::array{nics[0]->waiting(), nics[1]->waiting(), nics[2]->waiting(),
                      nics[3]->waiting()};
  };
  EXPECT_EQ(step(0, nics[1]->mac()), (std::array<std::size_t, 4>{0, 1, 1, 1}));
  EXPECT_EQ(step(1, nics[0]->mac()), (std::array<std::size_t, 4>{1, 1, 1, 1}));
  EXPECT_EQ(step(0, nics[1]->mac()), (std::array<std::size_t, 4>{1, 2, 1, 1}));
  EXPECT_EQ(step(2, MacAddress::broadcast()), (std::array<std::size_t, 4>{2, 3, 1, 2}));
  EXPECT_EQ(middle.known(), 3u);
}

TEST(Switch, ItsTableIsBounded) {
  Platform platform;
  Network network(platform);
  LearningSwitch& middle = network.add_switch();
  NetDevice& a = network.add_device();
  network.join(a, middle.port());
  for (std::uint32_t i = 0; i < 2 * LearningSwitch::kAddresses; ++i) {
    PacketBuf packet = frame(a, MacAddress::broadcast(), 60);
    store_be(packet.bytes().subspan(8), i);
    send(a, std::move(packet));
    if (i % 16 == 0) platform.run([] { return idle(milliseconds(1)); });
  }
  platform.run([] { return idle(seconds(1)); });
  EXPECT_EQ(middle.known(), LearningSwitch::kAddresses);
}

}  // namespace
}  // namespace fata::sim
