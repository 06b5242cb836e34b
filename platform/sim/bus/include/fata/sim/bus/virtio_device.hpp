// A virtio device that behaves, written from the specification alone (virtio 1.2): its registers as
// a slot of virtio-mmio or a function on PCI, feature negotiation, queues and interrupts. A model
// of a NIC or disk derives from it.
//
// The device works only in turn(), some of its work in each, and at random in notifications. It
// sleeps until it is notified, and interrupts only when the driver asked for it, so that a
// notification or interrupt that is missing stops it. Errors of the driver are panics.
#pragma once

#include <array>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "fata/sim/bus/machine.hpp"
#include "fata/sim/bus/virtqueue_device.hpp"
#include "fata/sim/platform.hpp"

namespace fata::sim {

class VirtioDevice : public Machine::Registers {
 public:
  static constexpr std::uint64_t kVersion1 = std::uint64_t{1} << 32;
  static constexpr std::uint64_t kEventIndex = std::uint64_t{1} << 29;

  // Works on its queues; true if it did something or has more to do.
  bool turn();
  // True if it interrupted the driver since the last call.
  bool take_interrupt() { return std::exchange(interrupted_, false); }
  std::uint64_t features() const { return accepted_; }
  unsigned resets() const { return resets_; }
  // The number of readings of the status until a reset has finished.
  unsigned reset_takes = 0;

  bool has(std::uint64_t address) const override;
  std::uint64_t read(std::uint64_t address, std::size_t size) override;
  void write(std::uint64_t address, std::uint64_t value, std::size_t size) override;

 protected:
  using Chain = VirtqueueDevice::Chain;
  struct Setup {
    bus::DeviceKind kind{};
    bool on_pci = false;
    std::uint64_t features = 0;
    std::vector<std::byte> config;
    std::vector<std::uint16_t> queues;  // their maximum sizes
    unsigned seed = 0;
  };
  VirtioDevice(Machine& machine, Setup setup);
  ~VirtioDevice() = default;

  // Works on a queue that is awake; true if it did something or has more to do.
  virtual bool work(std::uint16_t queue) = 0;
  // The driver reset the device: its memory may no longer be used.
  virtual void forget() = 0;

  bool accepted(unsigned feature) const { return (accepted_ >> feature & 1) != 0; }
  bool is_running() const { return (status_ & 4) != 0; }
  // The next chain; empty if there is none. Then the device sleeps until it is notified.
  std::optional<Chain> take(std::uint16_t queue);
  void finish(std::uint16_t queue, std::uint16_t head, std::uint32_t written);
  // Wakes the queue, for a device that has work without the driver.
  void wake(std::uint16_t queue) { queues_[queue].awake = true; }
  bool is_awake(std::uint16_t queue) const { return queues_[queue].awake; }

  std::mt19937 random_;

 private:
  struct Queue {
    std::uint16_t max = 0, size = 0;
    std::uint16_t vector = 0xffff;
    std::uint64_t descriptors = 0, available = 0, used = 0;
    bool awake = false;
    std::optional<VirtqueueDevice> ring;
  };
  std::uint32_t read_mmio(std::uint64_t offset, std::size_t size);
  void write_mmio(std::uint64_t offset, std::uint32_t value);
  std::uint32_t read_common(std::uint64_t offset, std::size_t size);
  void write_common(std::uint64_t offset, std::uint32_t value, std::size_t size);
  std::uint32_t read_config(std::uint64_t offset, std::size_t size) const;
  std::uint32_t read_status();
  void set_status(std::uint8_t status);
  void accept(std::uint32_t half, std::uint32_t value);
  std::uint32_t offered(std::uint32_t half) const;
  void enable();
  void notify(std::uint32_t queue);
  void interrupt(const Queue& queue);
  Queue& selected();
  static void set_half(std::uint64_t& address, bool high, std::uint32_t value);

  Setup setup_;
  std::vector<Queue> queues_;
  std::uint64_t accepted_ = 0;
  std::uint32_t device_half_ = 0, driver_half_ = 0, selected_ = 0;
  std::uint8_t status_ = 0;
  unsigned resetting_ = 0, resets_ = 0;
  std::uint32_t raised_ = 0;            // the interrupt status of a slot
  std::array<std::byte, 16> vector_{};  // the MSI-X table
  bool interrupted_ = false;
};

// Runs an image as a kernel does: its loop sleeps until a device interrupts or a deadline passes.
class MachineLoop {
 public:
  explicit MachineLoop(std::uint64_t seed);

  Platform& platform() { return platform_; }
  Machine machine;
  // The devices of the machine; they must live while the loop runs.
  std::vector<VirtioDevice*> models;
  unsigned sleeps = 0;

 private:
  void idle(Instant deadline);
  bool interrupted();

  Platform platform_;
};

}  // namespace fata::sim
