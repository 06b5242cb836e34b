// A machine of memory for the drivers to run on: PCI configuration space, registers and slots of
// virtio-mmio that a test or a fuzzer fills as it likes. Registers are plain memory: what a driver
// writes is what it reads next, unless the test changes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "fata/guest/command_line.hpp"
#include "fata/guest/device.hpp"
#include "fata/kvm/device.hpp"

namespace fata::virtio {

class HostedMachine {
 public:
  HostedMachine();
  ~HostedMachine();
  static HostedMachine& current();

  // A function of PCI: its configuration space.
  struct Function {
    kvm::PciAddress at;
    std::array<std::uint8_t, 256> config{};

    void put8(std::size_t offset, std::uint8_t value) { config[offset] = value; }
    void put16(std::size_t offset, std::uint16_t value);
    void put32(std::size_t offset, std::uint32_t value);
    // Appends a vendor's capability of virtio (4.1.4); `more`: the notifications' multiplier.
    void add_window(std::uint8_t type, std::uint8_t bar, std::uint32_t offset, std::uint32_t length,
                    std::uint32_t more = 0);
    // Appends MSI-X, whose table lies there.
    void add_msix(std::uint32_t table);

   private:
    std::uint8_t end_ = 0x40;  // where the next capability goes
    std::uint8_t link_ = 0x34;
    std::uint8_t add(std::uint8_t id, std::uint8_t size);
  };
  std::vector<Function> functions;
  std::vector<guest::MmioDevice> slots;
  std::vector<machine::Region> ram{{0x100000, 0x800000}};
  std::uint64_t reads = 0;  // of configuration space

  // Registers that a driver has mapped, of exactly the size that it asked for.
  struct Window {
    std::uint64_t address;
    std::size_t size;
    std::unique_ptr<std::byte[]> memory;
    MutableBytes bytes() const { return danger_span(memory.get(), size); }
  };
  std::vector<Window> windows;
  Window* window_at(std::uint64_t address);
  // Fills a new window.
  std::function<void(Window&)> on_map = [](Window&) {};

  // The driver's place in the loop.
  guest::Device* device = nullptr;
  unsigned interrupts = 0;
};

// A network card or a disk as QEMU's, without lies: common registers at 0xfe000000, then a page
// each for notifications, configuration and MSI-X.
inline constexpr std::uint64_t kCommon = 0xfe000000, kNotify = kCommon + 0x1000,
                               kConfig = kCommon + 0x2000, kTable = kCommon + 0x3000;
HostedMachine::Function pci_function(std::uint16_t device_id);

}  // namespace fata::virtio
