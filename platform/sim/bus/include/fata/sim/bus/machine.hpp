// A machine simulated in memory for the drivers: PCI configuration space, registers and virtio-mmio
// slots, all filled by a test or fuzzer. Registers are plain memory: a driver reads back what it
// wrote, unless the test changes it. A device that behaves has a model of its registers instead.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "fata/bus/found.hpp"
#include "fata/bus/memory.hpp"

namespace fata::sim {

class Machine {
 public:
  Machine();
  ~Machine();
  static Machine& current();
  static bool exists();

  // The configuration space of a PCI function.
  struct Function {
    bus::PciAddress at;
    std::array<std::uint8_t, 256> config{};

    void put8(std::size_t offset, std::uint8_t value) { config[offset] = value; }
    void put16(std::size_t offset, std::uint16_t value);
    void put32(std::size_t offset, std::uint32_t value);
    // Appends a virtio vendor capability (4.1.4); `more`: the notification multiplier.
    void add_window(std::uint8_t type, std::uint8_t bar, std::uint32_t offset, std::uint32_t length,
                    std::uint32_t more = 0);
    // Appends an MSI-X capability with its table at that offset.
    void add_msix(std::uint32_t table);

   private:
    std::uint8_t end_ = 0x40;  // the offset of the next capability
    std::uint8_t link_ = 0x34;
    std::uint8_t add(std::uint8_t id, std::uint8_t size);
  };
  std::vector<Function> functions;
  std::vector<bus::FoundDevice> slots;  // of virtio-mmio, as a command line names them
  bus::FoundDevices found;
  std::vector<bus::Region> ram{{0x100000, 0x800000}};
  std::uint64_t reads = 0;  // of configuration space

  // The registers of a device that behaves; see virtio_device.hpp.
  class Registers {
   public:
    virtual bool has(std::uint64_t address) const = 0;
    virtual std::uint64_t read(std::uint64_t address, std::size_t size) = 0;
    virtual void write(std::uint64_t address, std::uint64_t value, std::size_t size) = 0;

   protected:
    ~Registers() = default;
  };
  std::vector<Registers*> models;

  // Registers mapped by a driver, of exactly the requested size.
  struct Window {
    std::uint64_t address;
    std::size_t size;
    std::unique_ptr<std::byte[]> memory;
    Registers* model = nullptr;  // none: the memory holds them
    MutableBytes bytes() const { return danger_span(memory.get(), size); }
  };
  std::vector<Window> windows;
  Window* window_at(std::uint64_t address);
  // Fills a new window.
  std::function<void(Window&)> on_map = [](Window&) {};

  unsigned interrupts = 0;
};

// A well-behaved NIC or disk like QEMU's: common registers at 0xfe000000, then a page each for
// notifications, configuration and MSI-X.
inline constexpr std::uint64_t kCommon = 0xfe000000, kNotify = kCommon + 0x1000,
                               kConfig = kCommon + 0x2000, kTable = kCommon + 0x3000;
Machine::Function pci_function(std::uint16_t device_id);

}  // namespace fata::sim
