// Tests drivers on a machine whose registers, capabilities and rings are set by a hostile host.
#include <gtest/gtest.h>

#include "fata/bus/pci_walk.hpp"
#include "fata/sim/bus/devices.hpp"
#include "fata/sim/bus/machine.hpp"
#include "fata/sim/platform.hpp"
#include "fata/virtio/net.hpp"

namespace fata::virtio {
namespace {

constexpr std::uint16_t kNet = 1;
using Function = sim::Machine::Function;

struct World {
  World() {
    host.on_map = [](sim::Machine::Window& window) {
      const MutableBytes bytes = window.bytes();
      if (window.address != sim::kCommon) return;
      // Both halves of the features: VERSION_1 and CSUM.
      store_le(bytes.subspan(4), std::uint32_t{1});
      store_le(bytes.subspan(18), std::uint16_t{2});  // queues
      store_le(bytes.subspan(24), std::uint16_t{8});  // their size
    };
  }
  Result<std::unique_ptr<NetDevice>> open() {
    Result<std::unique_ptr<NetDevice>> device = fail(Error(Errc::kNoDevice));
    platform.run([&]() -> async::Task<void> { return connect(this, &device); });
    return device;
  }
  static async::Task<void> connect(World* world, Result<std::unique_ptr<NetDevice>>* out) {
    async::Context context{world->platform.loop(), {}};
    *out = co_await NetDevice::connect(context);
  }
  Errc refused(const Function& function) {
    host.functions = {function};
    const auto device = open();
    EXPECT_FALSE(device);
    return device ? Errc{} : static_cast<Errc>(device.error().code());
  }

  sim::Platform platform;
  sim::Machine host;
};

// The common registers, notifications, configuration and MSI-X table at an address chosen by the
// host.
Function with_windows(std::uint64_t address) {
  Function function = sim::pci_function(kNet);
  function.put32(0x10, static_cast<std::uint32_t>(address) | 4);  // 64 bits
  function.put32(0x14, static_cast<std::uint32_t>(address >> 32));
  return function;
}

TEST(Discovery, ANicIsDriven) {
  World world;
  world.host.functions = {sim::pci_function(kNet)};
  const auto device = world.open();
  ASSERT_TRUE(device);
  EXPECT_FALSE(sim::devices().is_empty());
}

TEST(Discovery, RegistersInMemoryOfOursAreRefused) {
  for (const std::uint64_t address :
       {std::uint64_t{0x100000}, std::uint64_t{0x7fd000}, std::uint64_t{0x1000},
        std::uint64_t{1} << 46, ~std::uint64_t{0xfff}}) {
    World world;
    EXPECT_EQ(world.refused(with_windows(address)), Errc::kRegisters) << address;
  }
}

TEST(Discovery, AnMsixTableWithoutABarIsRefused) {
  World world;
  Function function = sim::pci_function(kNet);
  // BAR 3 is empty: the offset alone is an address in RAM.
  function.put32(0x40 + 3 * 20 + 4, 0x200000 | 3);
  EXPECT_EQ(world.refused(function), Errc::kRegisters);
}

TEST(Discovery, AWindowOfGigabytesIsMappedAsFarAsItIsUsed) {
  World world;
  Function function = sim::pci_function(kNet);
  for (const unsigned at : {0x40, 0x54, 0x68}) function.put32(at + 12, 0xffffffff);
  world.host.functions = {function};
  ASSERT_TRUE(world.open());
  for (const auto& window : world.host.windows) EXPECT_LE(window.size, 0x10000U);
}

TEST(Discovery, ANotificationBeyondItsWindowOrAtAnOddPlaceIsRefused) {
  struct Case {
    std::uint16_t offset;
    std::uint32_t multiplier;
  };
  constexpr Case kCases[]{{0x4000, 4}, {0x1000, 1}, {0xffff, 0xffffffff}, {1, 0xfff}, {1, 3}};
  for (const auto& [offset, multiplier] : kCases) {
    World world;
    world.host.on_map = [fill = world.host.on_map, offset](sim::Machine::Window& window) {
      fill(window);
      if (window.address == sim::kCommon) store_le(window.bytes().subspan(30), offset);
    };
    Function function = sim::pci_function(kNet);
    function.put32(0x54 + 16, multiplier);
    EXPECT_EQ(world.refused(function), Errc::kNoQueue) << offset << " times " << multiplier;
  }
}

TEST(Discovery, AListOfCapabilitiesThatIsACircleEnds) {
  World world;
  Function function = sim::pci_function(kNet);
  function.put8(0x40 + 1, 0x40);
  EXPECT_EQ(world.refused(function), Errc::kLegacyDevice);
}

TEST(Discovery, ASlotThatIsTooSmallOrInMemoryIsNoDevice) {
  for (const bus::FoundDevice slot :
       {bus::FoundDevice{.irq = 5, .size = 16, .number = 0xfeb00000},
        bus::FoundDevice{.irq = 5, .size = 512, .number = 0x200000},
        bus::FoundDevice{.irq = 5, .size = 0, .number = 0xfeb00000}}) {
    World world;
    world.host.slots = {slot};
    const auto device = world.open();
    ASSERT_FALSE(device);
    EXPECT_TRUE(device.error().is(Errc::kNoDevice));
  }
}

// If every bridge were followed, the number of buses to scan would multiply with each level: 256^4.
TEST(PciWalk, BridgesThatAllLeadToTheSameBusAreFollowedOnce) {
  sim::Platform platform;
  sim::Machine host;
  for (std::uint8_t bus = 0; bus < 6; ++bus) {
    for (std::uint8_t device = 0; device < 32; ++device) {
      Function bridge;
      bridge.at = {bus, device, 0};
      bridge.put16(0, 0x8086);
      bridge.put8(0x0e, 1);
      bridge.put8(0x19, static_cast<std::uint8_t>(bus + 1));
      host.functions.push_back(bridge);
    }
  }
  unsigned visited = 0;
  bus::walk_pci([](void* count, bus::PciAddress, std::uint16_t,
                   std::uint16_t) { ++*static_cast<unsigned*>(count); },
                &visited);
  EXPECT_EQ(visited, 5 * 32U);  // four levels below bus 0
  EXPECT_LE(host.reads, 5 * 32 * 8 * 3U);
}

TEST(VirtioNet, AQueueThatIsFoundBrokenWhileSendingEndsTheNicAndNothingElse) {
  World world;
  world.host.functions = {sim::pci_function(kNet)};
  auto device = world.open();
  ASSERT_TRUE(device);
  // The registers hold the addresses of the queue set up last: the transmit queue.
  const auto* const common = world.host.window_at(sim::kCommon);
  const auto used = load_le<std::uint64_t>(Bytes(common->bytes()).subspan(48));
  const MutableBytes ring = danger_span(reinterpret_cast<std::byte*>(used), 6 + 8 * 8);
  const auto send = [&] {
    std::array<PacketBuf, 2> packets{(*device)->allocate(0), (*device)->allocate(0)};
    for (PacketBuf& packet : packets) (void)packet.append(60);
    return (*device)->send(packets);
  };
  ASSERT_EQ(send() + send() + send(), 6U);
  store_le(ring.subspan(4), std::uint32_t{0xffff});  // a chain that does not exist
  store_le(ring.subspan(2), std::uint16_t{1});
  store_le(ring.subspan(4), std::uint32_t{0xffff});
  std::array<PacketBuf, 3> packets{(*device)->allocate(0), (*device)->allocate(0),
                                   (*device)->allocate(0)};
  for (PacketBuf& packet : packets) (void)packet.append(60);
  EXPECT_EQ((*device)->send(packets), 3U);  // they are dropped
  EXPECT_EQ(send(), 2U);
}

}  // namespace
}  // namespace fata::virtio
