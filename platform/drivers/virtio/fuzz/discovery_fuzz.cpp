// Simulates a hostile machine with any PCI configuration space and any registers, from the search
// for a device to its use. Between the driver's calls, it changes rings and registers. Whatever it
// does, the drivers must access no register outside their mappings, map nothing in RAM, and
// terminate.
#include <cstdint>
#include <vector>

#include "fata/base/aligned.hpp"
#include "fata/base/panic.hpp"
#include "fata/sim/bus/devices.hpp"
#include "fata/sim/bus/machine.hpp"
#include "fata/sim/platform.hpp"
#include "fata/virtio/block.hpp"
#include "fata/virtio/net.hpp"
#include "input.hpp"

using namespace fata;
using sim::Machine;

namespace {

constexpr unsigned kMaxSteps = 64;

struct World {
  sim::Platform platform;
  sim::Machine host;
  fuzz::Input* in = nullptr;
};

// Writes valid registers of a device, then applies changes from the input.
void fill(World& world, sim::Machine::Window& window) {
  const MutableBytes bytes = window.bytes();
  if (window.size >= 56 && window.address == sim::kCommon) {
    store_le(bytes.subspan(4), std::uint32_t{0xffffffff});  // features
    store_le(bytes.subspan(18), std::uint16_t{2});
    store_le(bytes.subspan(24), std::uint16_t{16});
  } else if (window.size == 512) {  // virtio-mmio
    store_le(bytes, std::uint32_t{0x74726976});
    store_le(bytes.subspan(4), std::uint32_t{2});
    store_le(bytes.subspan(8), world.in->byte() % 2 + 1);
    store_le(bytes.subspan(0x10), std::uint32_t{0xffffffff});
    store_le(bytes.subspan(0x34), std::uint32_t{16});
  }
  for (unsigned count = world.in->byte() % 16; count != 0; --count) {
    const std::size_t at = world.in->word() % window.size;
    bytes[at] = static_cast<std::byte>(world.in->byte());
  }
}

// Writes to the rings whose addresses are in registers, or to the registers.
void meddle(World& world) {
  fuzz::Input& in = *world.in;
  if (world.host.windows.empty()) return;
  auto& window = world.host.windows[in.byte() % world.host.windows.size()];
  window.bytes()[in.word() % window.size] = static_cast<std::byte>(in.byte());
}

// The queue's memory is known only from the address that the driver wrote. The registers hold the
// last one.
void meddle_with_ring(World& world, std::uint64_t used, std::size_t size) {
  const MutableBytes ring = danger_span(reinterpret_cast<std::byte*>(used), size);
  for (unsigned count = world.in->byte() % 8 + 1; count != 0; --count)
    ring[world.in->word() % size] = static_cast<std::byte>(world.in->byte());
}

// The address of the used ring of the queue set up last, and its size in descriptors.
std::pair<std::uint64_t, std::size_t> last_ring(World& world) {
  for (const auto& window : world.host.windows) {
    const Bytes bytes = window.bytes();
    if (window.size >= 56 && window.address == sim::kCommon)
      return {load_le<std::uint64_t>(bytes.subspan(48)), load_le<std::uint16_t>(bytes.subspan(24))};
  }
  return {};
}

async::Task<void> use_net(World* world) {
  async::Context context{world->platform.loop(), {}};
  context.memory = (world->in->byte() & 1) != 0 ? 64 << 20 : 8 << 20;
  auto device = co_await virtio::NetDevice::connect(context, (world->in->byte() & 1) != 0);
  if (!device) co_return;
  const auto [used, size] = last_ring(*world);
  for (unsigned step = 0; step < kMaxSteps && !world->in->empty(); ++step) {
    switch (world->in->byte() % 5) {
      case 0: {
        std::array<PacketBuf, 3> packets;
        for (PacketBuf& packet : packets) {
          if ((packet = (*device)->allocate(0))) (void)packet.append(60);
        }
        const auto end = std::ranges::find_if(packets, [](PacketBuf& one) { return !one; });
        (void)(*device)->send({packets.begin(), end});
        break;
      }
      case 1: {
        std::array<sig::RxFrame, 4> frames;
        (void)co_await (*device)->receive(frames, async::Wait::at_most(Duration{}));
        break;
      }
      case 2:
        (void)sim::devices().poll();
        break;
      case 3:
        meddle(*world);
        break;
      case 4:
        if (used != 0) meddle_with_ring(*world, used, 6 + 8 * size);
        break;
    }
  }
}

async::Task<void> use_block(World* world) {
  async::Context context{world->platform.loop(), {}};
  auto device = co_await virtio::BlockDevice::connect(context);
  if (!device) co_return;
  const sig::BlockGeometry geometry = (*device)->geometry();
  check(geometry.sector_size >= 512 && geometry.sectors != 0 && geometry.parallel != 0, "geometry");
  AlignedBuffer buffer(geometry.sector_size, geometry.alignment);
  world->platform.poll = [world] {
    if (sim::devices().is_empty()) return false;
    meddle(*world);
    return sim::devices().poll();
  };
  (void)co_await (*device)->read(geometry.sectors - 1, buffer.bytes());
  (void)co_await (*device)->flush();
  device->reset();
  world->platform.poll = [] { return false; };
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in({data, size});
  World world;
  world.platform.look_takes = milliseconds(20);
  world.in = &in;
  world.host.on_map = [&](sim::Machine::Window& window) { fill(world, window); };
  const std::uint32_t kind = in.byte();
  const bool is_net = (kind & 1) != 0;
  if ((kind & 2) != 0)
    world.host.slots.push_back({.irq = 12, .size = in.byte() * 2, .number = 0xfeb00e00});
  for (unsigned count = kind >> 2 & 3; count != 0; --count) {
    auto& function = world.host.functions.emplace_back(sim::pci_function(is_net ? 1 : 2));
    const std::uint32_t where = in.byte();
    function.at = {static_cast<std::uint8_t>(where >> 6), static_cast<std::uint8_t>(where >> 2 & 7),
                   static_cast<std::uint8_t>(where & 3)};
    for (unsigned changes = in.byte() % 32; changes != 0; --changes) {
      const std::uint32_t at = in.byte();
      function.put8(at, static_cast<std::uint8_t>(in.byte()));
    }
  }
  world.platform.run([&] { return is_net ? use_net(&world) : use_block(&world); });
  fuzz::require(world.host.reads < 1'000'000);
  return 0;
}
