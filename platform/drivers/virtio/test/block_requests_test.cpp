#include "fata/virtio/block_requests.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "fata/sim/bus/virtqueue_device.hpp"

namespace fata::virtio {
namespace {

using Kind = BlockRequests::Kind;
using sig::BlockErrc;

// Offsets and constants are copied from the virtio 1.2 specification, section 5.2, rather than from
// a header.
constexpr std::uint64_t kSizeMax = 1 << 1, kSegMax = 1 << 2, kReadOnly = 1 << 5,
                        kBlockSize = 1 << 6, kFlush = 1 << 9, kTopology = 1 << 10,
                        kDiscard = 1 << 13;
struct Config {
  std::uint64_t capacity = 2048;
  std::uint32_t size_max = 0, seg_max = 0, block_size = 0;
  std::uint8_t exponent = 0;
  std::uint32_t discard_sectors = 0;
  std::array<std::byte, BlockLimits::kConfigSize> bytes() const {
    std::array<std::byte, BlockLimits::kConfigSize> out{};
    const MutableBytes to(out);
    store_le(to, capacity);
    store_le(to.subspan(8), size_max);
    store_le(to.subspan(12), seg_max);
    store_le(to.subspan(20), block_size);
    out[24] = static_cast<std::byte>(exponent);
    store_le(to.subspan(36), discard_sectors);
    return out;
  }
};

TEST(BlockLimits, TakesWhatTheDeviceSays) {
  const Config config{.capacity = 80,
                      .size_max = 4096,
                      .seg_max = 254,
                      .block_size = 4096,
                      .exponent = 2,
                      .discard_sectors = 800};
  const auto all = BlockLimits::parse(
      kSizeMax | kSegMax | kBlockSize | kFlush | kTopology | kDiscard, config.bytes(), 128);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->geometry, (sig::BlockGeometry{.sector_size = 4096,
                                               .sectors = 10,
                                               .writable = true,
                                               .discards = true,
                                               .cached = true,
                                               .optimal = 16384,
                                               .parallel = 7}));
  EXPECT_EQ(all->max_bytes(), 16 * 4096U);
  EXPECT_EQ(all->discard_sectors, 100U);
  const auto none =
      BlockLimits::parse(kReadOnly, Config{.size_max = 1, .block_size = 7}.bytes(), 256);
  ASSERT_TRUE(none) << "what is not agreed on is not looked at";
  EXPECT_EQ(
      none->geometry,
      (sig::BlockGeometry{.sectors = 2048, .writable = false, .cached = false, .parallel = 32}));
  EXPECT_EQ(none->max_bytes(), 1U << 20);
}

TEST(BlockLimits, RefusesADiskThatCannotBe) {
  const struct {
    const char* name;
    std::uint64_t features;
    Config config;
    std::uint16_t queue = 128;
  } cases[] = {
      {"no sector", 0, {.capacity = 0}},
      {"less than a sector", kBlockSize, {.capacity = 7, .block_size = 4096}},
      {"more bytes than can be counted", 0, {.capacity = ~std::uint64_t{0}}},
      {"sectors of nothing", kBlockSize, {.block_size = 0}},
      {"sectors of 513 bytes", kBlockSize, {.block_size = 513}},
      {"sectors of 256 bytes", kBlockSize, {.block_size = 256}},
      {"sectors of 1 GiB", kBlockSize, {.block_size = 1 << 30}},
      {"segments of nothing", kSizeMax, {.size_max = 0}},
      {"segments so short that no sector fits", kSizeMax, {.size_max = 16}},
      {"no segments", kSegMax, {.seg_max = 0}},
      {"a queue of two", 0, {}, 2},
  };
  for (const auto& c : cases)
    EXPECT_FALSE(BlockLimits::parse(c.features, c.config.bytes(), c.queue)) << c.name;
}

struct Disk {
  explicit Disk(std::uint64_t features = kFlush | kDiscard,
                const Config& config = {.block_size = 4096, .discard_sectors = 1000},
                std::uint16_t size = 16)
      : limits(*BlockLimits::parse(features, config.bytes(), size)),
        ring(Queue::bytes_needed(size)),
        memory(BlockRequests::bytes_needed(limits.geometry.parallel)),
        queue(size, ring, true),
        device(size, ring, true),
        requests(queue, memory, kAddress, limits) {}
  static constexpr std::uint64_t kAddress = 0x100000;
  Bytes at(std::uint64_t address, std::size_t length) {
    return Bytes(memory).subspan(address - kAddress, length);
  }
  void answer(const sim::VirtqueueDevice::Chain& chain, std::uint8_t status,
              std::uint32_t written) {
    memory[chain.segments.back().address - kAddress] = static_cast<std::byte>(status);
    device.finish(chain.head, written);
  }
  BlockLimits limits;
  // The allocator aligns them to 16 bytes.
  std::vector<std::byte> ring, memory;
  Queue queue;
  sim::VirtqueueDevice device;
  BlockRequests requests;
};

TEST(BlockRequests, LookAsTheSpecificationWants) {
  Disk disk(kFlush | kDiscard | kBlockSize);
  const struct {
    Kind kind;
    std::uint32_t type;
    std::uint64_t sector;  // in units of 512 bytes
  } cases[] = {
      {Kind::kRead, 0, 40}, {Kind::kWrite, 1, 40}, {Kind::kFlush, 4, 0}, {Kind::kDiscard, 11, 0}};
  for (const auto& c : cases) {
    const bool moves = c.kind == Kind::kRead || c.kind == Kind::kWrite;
    const auto place = disk.requests.begin(c.kind, 5, {0x5000, moves ? 8192U : 0U}, 2);
    ASSERT_TRUE(place);
    disk.queue.publish();
    const auto chain = disk.device.take();
    ASSERT_TRUE(chain);
    ASSERT_EQ(chain->segments.size(), c.kind == Kind::kFlush ? 2U : 3U);
    const Bytes header = disk.at(chain->segments[0].address, 16);
    EXPECT_EQ(chain->segments[0].length, 16U);
    EXPECT_EQ(load_le<std::uint32_t>(header), c.type);
    EXPECT_EQ(load_le<std::uint64_t>(header.subspan(8)), c.sector);
    if (moves) {
      EXPECT_EQ(chain->segments[1].address, 0x5000U);
      EXPECT_EQ(chain->segments[1].length, 8192U);
      EXPECT_EQ(chain->segments[1].device_writes, c.kind == Kind::kRead);
    }
    if (c.kind == Kind::kDiscard) {
      const Bytes range = disk.at(chain->segments[1].address, 16);
      EXPECT_EQ(load_le<std::uint64_t>(range), 40U);
      EXPECT_EQ(load_le<std::uint32_t>(range.subspan(8)), 16U);
      EXPECT_EQ(load_le<std::uint32_t>(range.subspan(12)), 0U);
    }
    EXPECT_TRUE(chain->segments.back().device_writes && chain->segments.back().length == 1);
    disk.answer(*chain, 0, c.kind == Kind::kRead ? 8193 : 1);
    const auto ended = disk.requests.next();
    ASSERT_TRUE(ended && ended->place == *place);
    EXPECT_TRUE(ended->outcome);
  }
}

TEST(BlockRequests, ABufferTakesAsManyDescriptorsAsItMust) {
  Disk disk(kSizeMax | kSegMax, {.size_max = 1500, .seg_max = 3});
  EXPECT_EQ(disk.limits.max_bytes(), 4096U);
  ASSERT_TRUE(disk.requests.begin(Kind::kWrite, 0, {0x5000, 4096}));
  disk.queue.publish();
  const auto chain = disk.device.take();
  ASSERT_EQ(chain->segments.size(), 5U);
  const std::array<std::uint32_t, 3> lengths{1500, 1500, 1096};
  std::uint64_t address = 0x5000;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(chain->segments[i + 1].address, address);
    EXPECT_EQ(chain->segments[i + 1].length, lengths[i]);
    address += lengths[i];
  }
}

TEST(BlockRequests, FailAsTheDeviceSays) {
  const struct {
    Kind kind;
    std::uint8_t status;
    std::uint32_t written;
    BlockErrc why;
  } cases[] = {{Kind::kRead, 1, 1, BlockErrc::kFailed},
               {Kind::kRead, 0, 4096, BlockErrc::kFailed},  // one byte short
               {Kind::kRead, 0, 0, BlockErrc::kFailed},
               {Kind::kRead, 0xff, 4097, BlockErrc::kFailed},
               {Kind::kWrite, 2, 1, BlockErrc::kFailed},
               {Kind::kWrite, 0, 0, BlockErrc::kFailed},
               {Kind::kFlush, 1, 1, BlockErrc::kFlushFailed},
               {Kind::kFlush, 2, 1, BlockErrc::kFlushFailed},
               {Kind::kDiscard, 2, 1, BlockErrc::kUnsupported},
               {Kind::kDiscard, 1, 1, BlockErrc::kFailed}};
  Disk disk;
  for (const auto& c : cases) {
    const bool moves = c.kind == Kind::kRead || c.kind == Kind::kWrite;
    ASSERT_TRUE(disk.requests.begin(c.kind, 0, {0x5000, moves ? 4096U : 0U}, 1));
    disk.queue.publish();
    disk.answer(*disk.device.take(), c.status, c.written);
    const auto ended = disk.requests.next();
    ASSERT_TRUE(ended && !ended->outcome);
    EXPECT_TRUE(ended->outcome.error().is(c.why))
        << static_cast<int>(c.kind) << ", status " << int{c.status};
    EXPECT_EQ(ended->outcome.error().detail(), c.status);
  }
}

TEST(BlockRequests, EndInAnyOrderAndOnce) {
  Disk disk;
  const std::uint32_t places = disk.limits.geometry.parallel;
  ASSERT_GE(places, 4U);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint16_t> begun, ended;
    std::vector<sim::VirtqueueDevice::Chain> chains;
    for (std::uint32_t i = 0; i < places; ++i)
      begun.push_back(*disk.requests.begin(Kind::kWrite, i, {0x5000, 512}));
    EXPECT_EQ(disk.requests.under_way(), places);
    disk.queue.publish();
    while (auto chain = disk.device.take()) chains.push_back(*chain);
    std::ranges::reverse(chains);
    for (const auto& chain : chains) disk.answer(chain, 0, 1);
    while (const auto one = disk.requests.next()) ended.push_back(one->place);
    EXPECT_EQ(ended.size(), places);
    std::ranges::sort(begun);
    std::ranges::sort(ended);
    EXPECT_EQ(begun, ended);
    EXPECT_EQ(disk.requests.under_way(), 0U);
  }
}

TEST(BlockRequests, OfAQueueThatBreaksEndNever) {
  Disk disk;
  ASSERT_TRUE(disk.requests.begin(Kind::kWrite, 0, {0x5000, 512}));
  disk.queue.publish();
  disk.device.finish(7, 1);
  EXPECT_FALSE(disk.requests.next());
  EXPECT_TRUE(disk.queue.broken());
  EXPECT_FALSE(disk.requests.begin(Kind::kWrite, 0, {0x5000, 512}));
}

}  // namespace
}  // namespace fata::virtio
