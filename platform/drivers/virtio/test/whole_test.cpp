// The whole drivers of NIC and disk, on a simulated machine with devices that behave: from the
// search to the end, with interrupts, delays, reordering and resets by seeds.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <deque>

#include "fata/async/scope.hpp"
#include "fata/base/aligned.hpp"
#include "fata/base/pool.hpp"
#include "fata/sim/bus/virtio_disk.hpp"
#include "fata/sim/bus/virtio_nic.hpp"
#include "fata/virtio/block.hpp"
#include "fata/virtio/net.hpp"

namespace fata::virtio {
namespace {

using sim::VirtioDevice;
using sim::VirtioDisk;
using sim::VirtioNic;

// FATA_SEEDS=COUNT runs more of them.
unsigned seeds() {
  const char* const asked = std::getenv("FATA_SEEDS");
  return asked == nullptr ? 2 : static_cast<unsigned>(std::atoi(asked));
}

constexpr std::uint64_t bits(std::initializer_list<unsigned> features) {
  std::uint64_t all = 0;
  for (const unsigned feature : features) all |= std::uint64_t{1} << feature;
  return all;
}

// A random part of a fixed noise.
void fill(MutableBytes bytes, std::mt19937& random) {
  static const std::vector<std::byte> noise = [] {
    std::mt19937 source(1);
    std::vector<std::byte> all(std::size_t{1} << 20);
    for (std::byte& byte : all) byte = static_cast<std::byte>(source());
    return all;
  }();
  copy_bytes(bytes, Bytes(noise).subspan(random() % (noise.size() - bytes.size()), bytes.size()));
}

bool same(Bytes one, Bytes other) {
  return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size()) == 0;
}

struct Terms {
  const char* name;
  std::uint64_t features;
  bool on_pci;
  bool offload;
  std::size_t memory;
};

constexpr std::uint64_t kSums = bits({VirtioNic::kCsum, VirtioNic::kGuestCsum});
constexpr std::uint64_t kTso =
    bits({VirtioNic::kHostTso4, VirtioNic::kHostTso6, VirtioNic::kHostEcn, VirtioNic::kGuestTso4,
          VirtioNic::kGuestTso6, VirtioNic::kGuestEcn});
constexpr std::uint64_t kBase = bits({VirtioNic::kMac, VirtioNic::kMtu});
constexpr std::uint64_t kMerge = bits({VirtioNic::kMergeable});
constexpr std::uint64_t kAll =
    kBase | kSums | kTso | kMerge | VirtioDevice::kEventIndex | bits({VirtioNic::kControlQueue});
constexpr Terms kTerms[]{
    {"all, PCI", kAll, true, true, 64 << 20},
    {"all, slot", kAll, false, true, 64 << 20},
    {"little memory", kAll, false, true, 4 << 20},
    {"offload=off", kAll, true, false, 64 << 20},
    {"no event index", kAll & ~VirtioDevice::kEventIndex, false, true, 64 << 20},
    {"no mergeable buffers", kAll & ~kMerge, true, true, 64 << 20},
    {"no segmentation", kAll & ~kTso, true, true, 64 << 20},
    {"nothing", 0, false, true, 64 << 20},
};

// A NIC that sends each frame back.
struct EchoWorld {
  EchoWorld(const Terms& terms, unsigned seed)
      : loop(seed), nic(loop.machine, terms.on_pci, terms.features, seed), random(seed) {
    loop.models = {&nic};
    nic.sent = [this](VirtioNic::Frame frame) {
      frame.flags =
          (nic.features() & bits({VirtioNic::kGuestCsum})) != 0 ? VirtioNic::kDataValid : 0;
      nic.deliver(std::move(frame));
    };
  }

  sim::MachineLoop loop;
  VirtioNic nic;
  std::mt19937 random;
  BufferPool pieces{64, 20000};  // outlives the driver, which keeps packets until they are sent
  std::size_t coalesced = 0, summed = 0;
};

struct Expected {
  std::vector<std::byte> bytes;
  std::uint16_t gso_size = 0;
};

// The Internet checksum over the bytes from `start`, of which the field at `at` holds a part.
void sum(std::vector<std::byte>& bytes, std::size_t start, std::size_t at) {
  std::uint64_t total = 0;
  for (std::size_t i = start; i < bytes.size(); ++i)
    total += std::to_integer<std::uint64_t>(bytes[i]) << ((i - start) % 2 == 0 ? 8 : 0);
  const auto folded = static_cast<std::uint16_t>(total % 0xffff);
  // Both zeros of one's complement are equal; a device writes the one that its additions leave.
  const std::uint16_t field = total != 0 && folded == 0 ? 0 : static_cast<std::uint16_t>(~folded);
  bytes[at] = static_cast<std::byte>(field >> 8);
  bytes[at + 1] = static_cast<std::byte>(field);
}

// A packet of random length and, as far as the driver's features allow, in several pieces, with a
// checksum to complete, or to be cut into segments.
std::optional<Expected> make(EchoWorld* world, NetDevice* device, PacketBuf& packet,
                             bool may_coalesce) {
  std::mt19937& random = world->random;
  const sig::NetFeatures features = device->features();
  packet = device->allocate(random() % 64);
  if (!packet) return std::nullopt;
  Expected expected;
  fill(packet.append(60 + random() % 1000), random);
  const bool cuts = features.tso4 && may_coalesce && random() % 3 == 0;
  if (features.gather && (cuts || random() % 3 == 0)) {
    PacketBuf piece = world->pieces.allocate(0);
    if (piece) {
      fill(piece.append(cuts ? 2000 + random() % 18000 : 1 + random() % 400), random);
      packet.chain().push(Slice(std::move(piece)));
    }
  }
  const Bytes head = packet.bytes();
  expected.bytes.assign(head.begin(), head.end());
  for (const Slice& piece : packet.chain().pieces())
    expected.bytes.insert(expected.bytes.end(), piece.bytes().begin(), piece.bytes().end());
  const bool long_one = expected.bytes.size() > 1514;
  if (features.tx_checksum && (long_one || random() % 2 == 0)) {
    Offload& offload = packet.offload();
    offload.checksum_needed = true;
    offload.checksum_start = 34;
    offload.checksum_offset = 16;
    sum(expected.bytes, 34, 50);
    ++world->summed;
    if (long_one) {
      offload.gso = Offload::Gso::kTcpV4;
      offload.gso_size = expected.gso_size = 1448;
      offload.header_length = 54;
    }
  }
  return expected;
}

std::vector<std::byte> joined(const sig::RxFrame& frame) {
  std::vector<std::byte> all(frame.frame.bytes().begin(), frame.frame.bytes().end());
  for (const Slice& piece : frame.more.pieces())
    all.insert(all.end(), piece.bytes().begin(), piece.bytes().end());
  return all;
}

// Receives what is expected next; false if it does not arrive in time.
async::Task<bool> expect(EchoWorld* world, NetDevice* device, std::deque<Expected>* expected) {
  std::array<sig::RxFrame, 8> frames;
  const auto got = co_await device->receive(frames, async::Wait::at_most(seconds(1)));
  if (!got) {
    ADD_FAILURE() << expected->size() << " frames are missing, " << world->nic.undelivered()
                  << " of them at the device";
    co_return false;
  }
  for (std::size_t i = 0; i < *got; ++i) {
    const Expected& next = expected->front();
    EXPECT_EQ(joined(frames[i]), next.bytes);
    EXPECT_EQ(frames[i].offload.gso_size, next.gso_size);
    EXPECT_EQ(frames[i].offload.gso == Offload::Gso::kTcpV4, next.gso_size != 0);
    EXPECT_EQ(frames[i].offload.checksum_valid, device->features().rx_checksum);
    if (next.gso_size != 0) ++world->coalesced;
    expected->pop_front();
  }
  co_return true;
}

async::Task<void> exchange(EchoWorld* world, NetDevice* device, unsigned count, bool may_coalesce) {
  std::deque<Expected> expected;
  for (unsigned sent = 0; sent < count || !expected.empty();) {
    for (unsigned burst = world->random() % 12; burst != 0 && sent < count; --burst) {
      std::array<PacketBuf, 1> packet;
      auto next = make(world, device, packet[0], may_coalesce);
      if (!next) break;
      if (device->send(packet) == 0) {
        EXPECT_TRUE(co_await device->writable(async::Wait::at_most(seconds(1))));
        EXPECT_EQ(device->send(packet), 1U);
      }
      expected.push_back(std::move(*next));
      ++sent;
    }
    if (!expected.empty() && !co_await expect(world, device, &expected)) co_return;
    // A reader that is busy elsewhere asks for no interrupt.
    if (world->random() % 8 == 0) co_await async::sleep(milliseconds(1));
  }
}

async::Task<void> use_nic(EchoWorld* world, const Terms* terms) {
  for (unsigned round = 0; round < 3; ++round) {
    world->nic.reset_takes = world->random() % 5;
    async::Context context{world->loop.platform().loop(), {}};
    context.memory = terms->memory;
    auto device = co_await NetDevice::connect(context, terms->offload);
    if (!device) {
      ADD_FAILURE() << device.error().message();
      co_return;
    }
    const bool coalesces = (world->nic.features() & bits({VirtioNic::kGuestTso4})) != 0;
    co_await exchange(world, device->get(), 60, coalesces);
    // The next round's device resets the NIC while frames are on their way.
    {
      std::array<PacketBuf, 3> last;
      for (PacketBuf& packet : last) (void)make(world, device->get(), packet, false);
      EXPECT_GE((*device)->send(last), 1U);
    }
    device->reset();
    while (world->nic.undelivered() != 0) world->nic.drop();
  }
}

TEST(WholeNic, ExchangesFramesOnAllTerms) {
  for (const Terms& terms : kTerms) {
    std::size_t merged = 0, coalesced = 0, summed = 0, sleeps = 0;
    for (unsigned seed = 1; seed <= seeds(); ++seed) {
      SCOPED_TRACE(testing::Message() << terms.name << ", seed " << seed);
      EchoWorld world(terms, seed);
      world.loop.platform().run([&] { return use_nic(&world, &terms); });
      EXPECT_GE(world.nic.resets(), 3U);
      merged += world.nic.merged;
      coalesced += world.coalesced;
      summed += world.summed;
      sleeps += world.loop.sleeps;
      if (testing::Test::HasFailure()) return;
    }
    const bool merges = (terms.features & kMerge) != 0;
    const bool offloads = terms.offload && (terms.features & kSums) != 0;
    const bool coalesces =
        offloads && merges && (terms.features & kTso) != 0 && terms.memory >= std::size_t{12} << 20;
    EXPECT_EQ(merged != 0, merges) << terms.name;
    EXPECT_EQ(summed != 0, offloads) << terms.name;
    EXPECT_EQ(coalesced != 0, coalesces) << terms.name;
    EXPECT_NE(sleeps, 0U) << terms.name;
  }
}

// Frames that were sent last leave before the reset discards them, if the device takes them.
TEST(WholeNic, FramesThatWereSentAtTheEndLeaveOrAreDroppedWhole) {
  const auto use = [](EchoWorld* world, std::size_t* taken,
                      std::vector<std::byte>* packed) -> async::Task<void> {
    async::Context context{world->loop.platform().loop(), {}};
    auto device = co_await NetDevice::connect(context);
    std::array<PacketBuf, 1> packet{(*device)->allocate(0)};
    fill(packet[0].append(60), world->random);
    packed->assign(packet[0].bytes().begin(), packet[0].bytes().end());
    *taken += (*device)->send(packet);
  };
  std::vector<std::byte> packed;
  std::size_t taken = 0, left = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    EchoWorld world(kTerms[0], seed);
    world.nic.sent = [&](const VirtioNic::Frame& frame) {
      EXPECT_TRUE(same(frame.bytes, packed)) << "seed " << seed;
      ++left;
    };
    world.loop.platform().run([&] { return use(&world, &taken, &packed); });
  }
  EXPECT_EQ(taken, 40U);
  EXPECT_GE(left, 1U);  // those that the device took when it was notified
  EXPECT_LE(left, taken);
}

// ---- Disks.

constexpr std::size_t kSectors = 8192, kWorkers = 6;
constexpr std::uint64_t kDiskFeatures =
    bits({VirtioDisk::kSizeMax, VirtioDisk::kSegMax, VirtioDisk::kBlockSize, VirtioDisk::kFlush,
          VirtioDisk::kDiscard}) |
    VirtioDevice::kEventIndex;

struct DiskWorld {
  DiskWorld(bool on_pci, std::uint64_t features, unsigned seed)
      : loop(seed), disk(loop.machine, on_pci, features, kSectors, seed), random(seed) {
    loop.models = {&disk};
  }
  sim::MachineLoop loop;
  VirtioDisk disk;
  std::mt19937 random;
  std::size_t failures = 0;
};

// Writes, discards and reads in its own part of the disk, and compares.
async::Task<void> worker(DiskWorld* world, BlockDevice* device, std::size_t number) {
  constexpr std::size_t kPart = kSectors / kWorkers;
  for (unsigned i = 0; i < 4; ++i) {
    // Longer than a request may be, now and then.
    const std::size_t sectors = 1 + world->random() % (i == 0 ? kPart / 2 : 200);
    const std::uint64_t at = number * kPart + world->random() % (kPart - sectors);
    AlignedBuffer data(sectors * 512, 4096), back(sectors * 512, 4096);
    fill(data.bytes(), world->random);
    const auto written = co_await device->write(at, data.bytes());
    const auto flushed = co_await device->flush();
    const auto read = co_await device->read(at, back.bytes());
    for (const auto* const outcome : {&written, &read}) {
      if (*outcome) continue;
      ++world->failures;
      EXPECT_TRUE(outcome->error().is(sig::BlockErrc::kFailed));
    }
    if (!flushed) EXPECT_TRUE(flushed.error().is(sig::BlockErrc::kFlushFailed));
    if (!written || !read) continue;
    EXPECT_TRUE(same(data.bytes(), back.bytes()));
    EXPECT_TRUE(same(data.bytes(), Bytes(world->disk.data).subspan(at * 512, sectors * 512)));
    if (device->geometry().discards && world->random() % 4 == 0) {
      const auto discarded = co_await device->discard(at, sectors);
      if (!discarded) EXPECT_TRUE(discarded.error().is(sig::BlockErrc::kFailed));
    }
  }
}

async::Task<void> use_disk(DiskWorld* world) {
  for (unsigned round = 0; round < 3; ++round) {
    world->disk.reset_takes = world->random() % 5;
    async::Context context{world->loop.platform().loop(), {}};
    auto device = co_await BlockDevice::connect(context);
    if (!device) {
      ADD_FAILURE() << device.error().message();
      co_return;
    }
    EXPECT_EQ((*device)->geometry().sectors, kSectors);
    async::Scope scope;
    for (std::size_t i = 0; i < kWorkers; ++i) scope.spawn(worker(world, device->get(), i));
    co_await scope.join();
  }
}

TEST(WholeDisk, KeepsItsDataWhateverTheOrderOfRequests) {
  for (const std::uint64_t features : {kDiskFeatures, std::uint64_t{0}}) {
    for (const bool on_pci : {true, false}) {
      std::size_t reordered = 0, flushes = 0;
      for (unsigned seed = 1; seed <= seeds(); ++seed) {
        SCOPED_TRACE(testing::Message()
                     << features << (on_pci ? " PCI" : " slot") << ", seed " << seed);
        DiskWorld world(on_pci, features, seed);
        world.loop.platform().run([&] { return use_disk(&world); });
        EXPECT_EQ(world.failures, 0U);
        reordered += world.disk.reordered;
        flushes += world.disk.flushes;
      }
      EXPECT_NE(reordered, 0U);
      EXPECT_EQ(flushes != 0, features != 0);
    }
  }
}

TEST(WholeDisk, ReportsTheRequestsThatFailAndNoOthers) {
  for (unsigned seed = 1; seed <= seeds(); ++seed) {
    DiskWorld world(true, kDiskFeatures, seed);
    world.disk.fails_every = 5;
    world.loop.platform().run([&] { return use_disk(&world); });
    EXPECT_NE(world.failures, 0U) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fata::virtio
