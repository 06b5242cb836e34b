#include "fata/virtio/queue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "fata/sim/bus/virtqueue_device.hpp"

namespace fata::virtio {
namespace {

struct Ring {
  explicit Ring(std::uint16_t size, bool event_index = true)
      : memory(Queue::bytes_needed(size) + 16),
        device(size, aligned(), event_index),
        queue(size, aligned(), event_index) {}
  MutableBytes aligned() {
    const auto at = reinterpret_cast<std::uintptr_t>(memory.data());
    return MutableBytes(memory).subspan((16 - at % 16) % 16);
  }
  std::vector<std::byte> memory;
  sim::VirtqueueDevice device;
  Queue queue;
};

Segment writes(std::uint64_t address, std::uint32_t length) { return {address, length, true}; }
Segment reads(std::uint64_t address, std::uint32_t length) { return {address, length, false}; }

TEST(Queue, ShowsTheDeviceExactlyTheChainsItWasGiven) {
  Ring ring(8);
  const std::array chain{reads(0x1000, 12), reads(0x2000, 100), writes(0x3000, 7)};
  const auto head = ring.queue.add(chain);
  ASSERT_TRUE(head);
  EXPECT_FALSE(ring.device.take()) << "nothing is visible before publish()";
  EXPECT_TRUE(ring.queue.publish());
  const auto seen = ring.device.take();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->head, *head);
  ASSERT_EQ(seen->segments.size(), 3U);
  EXPECT_EQ(seen->segments[1].address, 0x2000U);
  EXPECT_EQ(seen->segments[2].length, 7U);
  EXPECT_TRUE(seen->segments[2].device_writes && !seen->segments[0].device_writes);
}

TEST(Queue, RefusesChainsWithoutRoomAndWorksForRoundsWithoutLosingDescriptors) {
  for (const bool event_index : {false, true}) {
    Ring ring(16, event_index);
    std::mt19937 random(5);
    std::map<std::uint16_t, std::size_t> outstanding;
    std::vector<sim::VirtqueueDevice::Chain> held;
    std::size_t in_use = 0;
    for (int step = 0; step < 300'000; ++step) {
      switch (random() % 4) {
        case 0: {
          std::vector<Segment> chain(1 + random() % 4, writes(0x1000, 10));
          const auto head = ring.queue.add(chain);
          ASSERT_EQ(head.has_value(), in_use + chain.size() <= 16);
          if (head) outstanding[*head] = chain.size(), in_use += chain.size();
          break;
        }
        case 1:
          ring.queue.publish();
          break;
        case 2:
          if (auto chain = ring.device.take()) held.push_back(*chain);
          break;
        case 3:
          if (!held.empty()) {  // out of order, which is allowed
            std::swap(held[random() % held.size()], held.back());
            ring.device.finish(held.back().head, 3);
            held.pop_back();
          }
          if (const auto done = ring.queue.pop()) {
            ASSERT_TRUE(outstanding.contains(done->head));
            EXPECT_EQ(done->written, 3U);
            in_use -= outstanding[done->head];
            outstanding.erase(done->head);
          }
      }
      ASSERT_EQ(ring.queue.room(), 16 - in_use);
      ASSERT_FALSE(ring.queue.broken());
    }
  }
}

TEST(Queue, NotifiesOnlyADeviceThatWantsIt) {
  Ring ring(8);
  const std::array one{reads(1, 1)};
  ring.device.want_notification();
  ring.queue.add(one);
  EXPECT_TRUE(ring.queue.publish());
  ring.queue.add(one);
  EXPECT_FALSE(ring.queue.publish()) << "the device is still at work";
  EXPECT_FALSE(ring.queue.publish()) << "there is nothing new";
  while (ring.device.take()) {
  }
  ring.device.want_notification();
  ring.queue.add(one);
  EXPECT_TRUE(ring.queue.publish());
}

TEST(Queue, IsInterruptedOnlyWhenItAsked) {
  for (const bool event_index : {false, true}) {
    Ring ring(8, event_index);
    const std::array one{reads(1, 1)};
    for (int i = 0; i < 4; ++i) ring.queue.add(one);
    ring.queue.publish();
    EXPECT_FALSE(ring.device.finish(ring.device.take()->head, 0));
    EXPECT_FALSE(ring.queue.enable_interrupts()) << "one is finished already: do not sleep";
    EXPECT_TRUE(ring.queue.pop());
    EXPECT_TRUE(ring.queue.enable_interrupts());
    EXPECT_TRUE(ring.device.finish(ring.device.take()->head, 0));
    EXPECT_TRUE(ring.queue.pop());
    ring.queue.disable_interrupts();
    EXPECT_FALSE(ring.device.finish(ring.device.take()->head, 0));
  }
}

struct Attack {
  const char* name;
  void (*play)(Ring&);
};
const Attack kAttacks[] = {
    {"an id out of range", [](Ring& r) { r.device.finish(8, 0); }},
    {"an id far out of range", [](Ring& r) { r.device.finish(0xffffffff, 0); }},
    {"a chain that was never queued", [](Ring& r) { r.device.finish(5, 0); }},
    {"a chain twice", [](Ring& r) { r.device.finish(0, 0), r.device.finish(0, 0); }},
    {"more written than there was room", [](Ring& r) { r.device.finish(0, 101); }},
    {"an absurd length", [](Ring& r) { r.device.finish(0, 0xffffffff); }},
    {"an index that jumps ahead", [](Ring& r) { r.device.set_used_index(9); }},
    {"an index that goes back", [](Ring& r) { r.device.set_used_index(0xffff); }},
    {"the middle of a chain", [](Ring& r) { r.device.finish(1, 0); }},
};

TEST(Queue, BreaksForGoodWhenTheDeviceLies) {
  for (const Attack& attack : kAttacks) {
    Ring ring(8);
    const std::array chain{writes(1, 50), writes(2, 50)};
    ring.queue.add(chain);
    ring.queue.publish();
    attack.play(ring);
    for (int i = 0; i < 3; ++i) ring.queue.pop();
    EXPECT_TRUE(ring.queue.broken()) << attack.name;
    EXPECT_FALSE(ring.queue.add(chain)) << attack.name;
    EXPECT_FALSE(ring.queue.publish()) << attack.name;
    EXPECT_FALSE(ring.queue.pending()) << attack.name;
  }
}

TEST(Queue, DoesNotTrustItsOwnDescriptorsAfterTheDeviceWroteToThem) {
  Ring ring(8);
  const std::array chain{writes(1, 50), writes(2, 50), writes(3, 50)};
  const auto head = ring.queue.add(chain);
  ring.queue.publish();
  // next, flags, lengths: all garbage.
  std::ranges::fill(ring.aligned().first(16 * 8), std::byte{0xff});
  ring.device.finish(*head, 100);
  const auto done = ring.queue.pop();
  ASSERT_TRUE(done);
  EXPECT_EQ(ring.queue.room(), 8);
  std::vector<Segment> all(8, writes(9, 1));
  EXPECT_TRUE(ring.queue.add(all));
}

}  // namespace
}  // namespace fata::virtio
