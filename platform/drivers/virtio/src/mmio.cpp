// virtio-mmio, version 2 (virtio 1.2, section 4.2).
#include <linux/virtio_mmio.h>

#include <algorithm>

#include "fata/bus/memory.hpp"
#include "fata/bus/wake.hpp"
#include "transports.hpp"

namespace fata::virtio {

namespace {

class Mmio final : public Transport {
 public:
  Mmio(bus::Registers registers, std::uint32_t irq) : registers_(registers), irq_(irq) {}

  std::uint32_t device_id() override {
    return registers_.read<std::uint32_t>(VIRTIO_MMIO_DEVICE_ID);
  }
  std::uint64_t offered_features() override {
    registers_.write<std::uint32_t>(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    const std::uint64_t high = registers_.read<std::uint32_t>(VIRTIO_MMIO_DEVICE_FEATURES);
    registers_.write<std::uint32_t>(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    return high << 32 | registers_.read<std::uint32_t>(VIRTIO_MMIO_DEVICE_FEATURES);
  }
  void accept_features(std::uint64_t features) override {
    registers_.write<std::uint32_t>(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    registers_.write<std::uint32_t>(VIRTIO_MMIO_DRIVER_FEATURES,
                                    static_cast<std::uint32_t>(features >> 32));
    registers_.write<std::uint32_t>(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    registers_.write<std::uint32_t>(VIRTIO_MMIO_DRIVER_FEATURES,
                                    static_cast<std::uint32_t>(features));
  }
  std::uint8_t status() override {
    return static_cast<std::uint8_t>(registers_.read<std::uint32_t>(VIRTIO_MMIO_STATUS));
  }
  void set_status(std::uint8_t status) override {
    registers_.write<std::uint32_t>(VIRTIO_MMIO_STATUS, status);
  }
  std::uint8_t config8(std::size_t offset) override {
    return registers_.read<std::uint8_t>(VIRTIO_MMIO_CONFIG + offset);
  }
  std::uint16_t queue_max(std::uint16_t index) override {
    registers_.write<std::uint32_t>(VIRTIO_MMIO_QUEUE_SEL, index);
    return static_cast<std::uint16_t>(
        std::min(registers_.read<std::uint32_t>(VIRTIO_MMIO_QUEUE_NUM_MAX), 32768U));
  }
  Result<void> start_queue(std::uint16_t index, const Queue& queue,
                           std::uint64_t address) override {
    registers_.write<std::uint32_t>(VIRTIO_MMIO_QUEUE_SEL, index);
    registers_.write<std::uint32_t>(VIRTIO_MMIO_QUEUE_NUM, queue.size());
    registers_.write_halves(VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_DESC_HIGH, address);
    registers_.write_halves(VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
                            address + Queue::available_offset(queue.size()));
    registers_.write_halves(VIRTIO_MMIO_QUEUE_USED_LOW, VIRTIO_MMIO_QUEUE_USED_HIGH,
                            address + Queue::used_offset(queue.size()));
    registers_.write<std::uint32_t>(VIRTIO_MMIO_QUEUE_READY, 1);
    if (!connected_) connected_ = bus::connect_pin(irq_);
    return {};
  }
  void notify(std::uint16_t index) override {
    registers_.write<std::uint32_t>(VIRTIO_MMIO_QUEUE_NOTIFY, index);
  }
  void acknowledge() override {
    if (const auto raised = registers_.read<std::uint32_t>(VIRTIO_MMIO_INTERRUPT_STATUS);
        raised != 0) {
      registers_.write<std::uint32_t>(VIRTIO_MMIO_INTERRUPT_ACK, raised);
    }
  }

 private:
  bus::Registers registers_;
  std::uint32_t irq_;
  bool connected_ = false;
};

}  // namespace

std::unique_ptr<Transport> open_mmio(const bus::FoundDevice& found) {
  volatile void* const base = bus::map_device(found.number, bus::kSlotSize);
  return std::make_unique<Mmio>(bus::Registers(base), found.irq);
}

}  // namespace fata::virtio
