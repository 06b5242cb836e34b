// The list of found devices, and its discoveries on a simulated machine and in a simulated domain.
#include "fata/bus/found.hpp"

#include <gtest/gtest.h>

#include "fata/bus/pci_device.hpp"
#include "fata/bus/xen/find.hpp"
#include "fata/sim/bus/devices.hpp"
#include "fata/sim/bus/machine.hpp"
#include "fata/sim/bus/xen_domain.hpp"
#include "fata/sim/bus/xenstore.hpp"

namespace fata::bus {
namespace {

using Bus = FoundDevice::Bus;

// The number of the nth device of that kind: of a slot or frontend, or of a device on bus 0.
std::uint64_t place(const FoundDevices& found, DeviceKind kind, unsigned nth) {
  const FoundDevice* const device = found.nth(kind, nth);
  if (device == nullptr) return ~std::uint64_t{0};
  return device->bus == Bus::kPci ? device->pci.device : device->number;
}

TEST(FoundDevices, AreCountedByKindWithoutLegacyOnes) {
  FoundDevices found;
  found.add({.kind = legacy(DeviceKind::kNic), .number = 1});
  found.add({.kind = DeviceKind::kDisk, .number = 2});
  found.add({.kind = DeviceKind::kNic, .bus = Bus::kPci, .pci = {0, 3, 0}});
  found.add({.kind = DeviceKind::kNic, .bus = Bus::kXen, .number = 4});
  EXPECT_EQ(place(found, DeviceKind::kNic, 0), 3U);
  EXPECT_EQ(place(found, DeviceKind::kNic, 1), 4U);
  EXPECT_EQ(place(found, DeviceKind::kDisk, 0), 2U);
  EXPECT_EQ(found.nth(DeviceKind::kNic, 2), nullptr);
  EXPECT_EQ(found.nth(DeviceKind::kEntropy, 0), nullptr);
  EXPECT_EQ(place(found, legacy(DeviceKind::kNic), 0), 1U);
  EXPECT_EQ(found.nth(legacy(DeviceKind::kDisk), 0), nullptr);
  found.forget(DeviceKind::kNic);
  EXPECT_EQ(found.nth(DeviceKind::kNic, 0), nullptr);
  EXPECT_EQ(place(found, DeviceKind::kDisk, 0), 2U);
}

TEST(FoundDevices, AreBounded) {
  FoundDevices found;
  for (unsigned i = 0; i < FoundDevices::kMax + 5; ++i)
    found.add({.kind = DeviceKind::kDisk, .bus = Bus::kXen, .number = i});
  EXPECT_EQ(found.all().size(), FoundDevices::kMax);
  EXPECT_EQ(place(found, DeviceKind::kDisk, FoundDevices::kMax - 1), FoundDevices::kMax - 1);
  EXPECT_EQ(found.nth(DeviceKind::kDisk, FoundDevices::kMax), nullptr);
}

sim::Machine::Function function(std::uint8_t device, std::uint16_t id, std::uint16_t subsystem) {
  sim::Machine::Function function;
  function.at = {0, device, 0};
  function.put16(0, 0x1af4);
  function.put16(2, id);
  function.put16(0x2e, subsystem);
  return function;
}

TEST(FindOnMachine, SlotsComeFirstAndThenPci) {
  sim::Machine machine;
  for (const std::uint64_t base : {0xfeb00000, 0xfeb00200, 0xfeb00400, 0xfeb00600})
    machine.slots.push_back({.size = kSlotSize, .number = base});
  machine.slots.push_back({.size = 16, .number = 0xfeb00800});
  machine.slots.push_back({.size = kSlotSize, .number = 0x200000});
  // Kind and version of each slot; the fourth has other registers.
  constexpr std::uint32_t kSlots[][2]{{1, 1}, {1, 2}, {2, 2}, {1, 2}};
  machine.on_map = [&](sim::Machine::Window& window) {
    const auto index = (window.address - 0xfeb00000) / 0x200;
    store_le(window.bytes(), std::uint32_t{index == 3 ? 0x12345678U : 0x74726976U});
    store_le(window.bytes().subspan(4), kSlots[index][1]);
    store_le(window.bytes().subspan(8), kSlots[index][0]);
  };
  // A transitional disk, a modern NIC, a NIC of another vendor.
  machine.functions = {function(3, 0x1001, 2), function(4, 0x1041, 0x1100), function(5, 0x1041, 1)};
  machine.functions.back().put16(0, 0x8086);
  const FoundDevices& found = found_devices();
  EXPECT_EQ(found.all().size(), 6U + 2U);
  EXPECT_EQ(place(found, DeviceKind::kUnknown, 2), 0x200000U);
  EXPECT_EQ(found.nth(DeviceKind::kUnknown, 3), nullptr);
  EXPECT_EQ(place(found, DeviceKind::kNic, 0), 0xfeb00200U);
  EXPECT_EQ(place(found, DeviceKind::kNic, 1), 4U);
  EXPECT_EQ(found.nth(DeviceKind::kNic, 2), nullptr);
  EXPECT_EQ(place(found, DeviceKind::kDisk, 0), 0xfeb00400U);
  EXPECT_EQ(place(found, DeviceKind::kDisk, 1), 3U);
  EXPECT_EQ(place(found, legacy(DeviceKind::kNic), 0), 0xfeb00000U);
}

TEST(PciDevice, ABarIsAMemoryAddressOrNone) {
  sim::Machine machine;
  machine.functions = {function(3, 0x1041, 0)};
  machine.functions[0].put32(0x10, 0xfe00000c);  // 64 bits, prefetchable
  machine.functions[0].put32(0x14, 2);
  machine.functions[0].put32(0x18, 0xfd000000);
  machine.functions[0].put32(0x1c, 0xc001);  // ports
  const PciAddress at{0, 3, 0};
  EXPECT_EQ(bar_address(at, 0), 0x2fe000000U);
  EXPECT_EQ(bar_address(at, 2), 0xfd000000U);
  EXPECT_EQ(bar_address(at, 3), 0U);
  EXPECT_EQ(bar_address(at, 4), 0U);
  EXPECT_EQ(bar_address(at, 6), 0U);
}

struct DomainWorld {
  DomainWorld() {
    platform.poll = [this] {
      const bool any = nodes.turn();
      return sim::devices().poll() || any;
    };
  }
  bool list(DeviceKind kind) {
    bool done = false;
    platform.run([&]() -> async::Task<void> { return list(this, kind, &done); });
    return done;
  }
  static async::Task<void> list(DomainWorld* world, DeviceKind kind, bool* done) {
    *done = (co_await xen::find_devices(world->domain.store.get(), kind)).has_value();
  }

  sim::Platform platform;
  sim::XenDomain domain{platform};
  sim::Xenstore nodes{domain.page.data()};
};

TEST(FindInDomain, FrontendsAreListedByNumber) {
  DomainWorld world;
  for (const char* const node : {"device/vif/10/state", "device/vif/9/state", "device/vif/x/state",
                                 "device/vbd/51712/state"})
    world.nodes.put(node, "1");
  ASSERT_TRUE(world.list(DeviceKind::kNic));
  ASSERT_TRUE(world.list(DeviceKind::kDisk));
  const FoundDevices& found = found_devices();
  ASSERT_EQ(found.all().size(), 3U);
  EXPECT_EQ(xen::path_of(*found.nth(DeviceKind::kNic, 0)), "device/vif/9");
  EXPECT_EQ(xen::path_of(*found.nth(DeviceKind::kNic, 1)), "device/vif/10");
  EXPECT_EQ(xen::path_of(*found.nth(DeviceKind::kDisk, 0)), "device/vbd/51712");
}

TEST(FindInDomain, AListIsReplacedAndMayBeEmpty) {
  DomainWorld world;
  world.nodes.put("device/vif/0/state", "1");
  ASSERT_TRUE(world.list(DeviceKind::kNic));
  EXPECT_NE(found_devices().nth(DeviceKind::kNic, 0), nullptr);
  world.nodes.remove("device/vif/0/state");
  world.nodes.put("device/vif/7/state", "1");
  ASSERT_TRUE(world.list(DeviceKind::kNic));
  EXPECT_EQ(place(found_devices(), DeviceKind::kNic, 0), 7U);
  EXPECT_EQ(found_devices().nth(DeviceKind::kNic, 1), nullptr);
}

}  // namespace
}  // namespace fata::bus
