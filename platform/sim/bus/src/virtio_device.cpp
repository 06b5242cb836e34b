#include "fata/sim/bus/virtio_device.hpp"

#include "fata/base/bytes.hpp"
#include "fata/base/panic.hpp"
#include "fata/sim/bus/devices.hpp"

namespace fata::sim {
namespace {

constexpr std::uint64_t kSlot = 0xfeb00000;  // of the only device on virtio-mmio
constexpr std::uint8_t kFeaturesOk = 8, kDriverOk = 4;
constexpr std::uint32_t kSizes[] = {0x10000, 0x1000};

}  // namespace

VirtioDevice::VirtioDevice(Machine& machine, Setup setup)
    : random_(setup.seed), setup_(std::move(setup)) {
  for (const std::uint16_t max : setup_.queues) queues_.emplace_back().max = max;
  machine.models.push_back(this);
  if (setup_.on_pci) {
    machine.functions.push_back(pci_function(static_cast<std::uint16_t>(setup_.kind)));
  } else {
    machine.slots.push_back({.irq = 5, .size = bus::kSlotSize, .number = kSlot});
  }
}

bool VirtioDevice::has(std::uint64_t address) const {
  const std::uint64_t base = setup_.on_pci ? kCommon : kSlot;
  return address - base < kSizes[setup_.on_pci ? 0 : 1];
}

std::uint64_t VirtioDevice::read(std::uint64_t address, std::size_t size) {
  if (!setup_.on_pci) return read_mmio(address - kSlot, size);
  if (address >= kTable) return 0;
  if (address >= kConfig) return read_config(address - kConfig, size);
  return address < kNotify ? read_common(address - kCommon, size) : 0;
}

void VirtioDevice::write(std::uint64_t address, std::uint64_t value, std::size_t size) {
  const auto word = static_cast<std::uint32_t>(value);
  if (!setup_.on_pci) {
    check(size == 4, "virtio-mmio: a register has 32 bits");
    return write_mmio(address - kSlot, word);
  }
  if (address >= kTable) {
    check(size == 4 && address - kTable < vector_.size(), "a part of the table that is not there");
    return store_le(MutableBytes(vector_).subspan(address - kTable), word);
  }
  check(address < kConfig, "the driver writes to the configuration");
  if (address < kNotify) return write_common(address - kCommon, word, size);
  check((address - kNotify) / 4 == word, "a queue is notified at another's address");
  notify(word);
}

std::uint32_t VirtioDevice::read_mmio(std::uint64_t offset, std::size_t size) {
  if (offset >= 0x100) return read_config(offset - 0x100, size);
  check(size == 4, "virtio-mmio: a register has 32 bits");
  switch (offset) {
    case 0x00:
      return 0x74726976;
    case 0x04:
      return 2;
    case 0x08:
      return static_cast<std::uint32_t>(setup_.kind);
    case 0x10:
      return offered(device_half_);
    case 0x34:
      return selected_ < queues_.size() ? selected().max : 0;
    case 0x60:
      return raised_;
    case 0x70:
      return read_status();
    default:
      check(offset == 0xfc, "virtio-mmio: this register cannot be read");
      return 0;
  }
}

void VirtioDevice::write_mmio(std::uint64_t offset, std::uint32_t value) {
  switch (offset) {
    case 0x14:
      device_half_ = value;
      return;
    case 0x20:
      return accept(driver_half_, value);
    case 0x24:
      driver_half_ = value;
      return;
    case 0x30:
      selected_ = value;
      return;
    case 0x38:
      selected().size = static_cast<std::uint16_t>(value);
      return;
    case 0x44:
      check(value == 1, "a queue is made ready with 1");
      return enable();
    case 0x50:
      return notify(value);
    case 0x64:
      raised_ &= ~value;
      return;
    case 0x70:
      return set_status(static_cast<std::uint8_t>(value));
    default:
      check(offset >= 0x80 && offset < 0xa8, "virtio-mmio: this register cannot be written");
      std::uint64_t& address = offset < 0x90   ? selected().descriptors
                               : offset < 0xa0 ? selected().available
                                               : selected().used;
      set_half(address, offset % 16 == 4, value);
  }
}

std::uint32_t VirtioDevice::read_common(std::uint64_t offset, std::size_t size) {
  switch (offset) {
    case 0x04:
      check(size == 4, "width");
      return offered(device_half_);
    case 0x12:
      return static_cast<std::uint32_t>(queues_.size());
    case 0x14:
      check(size == 1, "the status has 8 bits");
      return read_status();
    case 0x18:
      return selected().size != 0 ? selected().size : selected().max;
    case 0x1a:
      return selected().vector;
    case 0x1e:
      return selected_;
    default:
      check(false, "virtio-pci: this register is not read");
      return 0;
  }
}

void VirtioDevice::write_common(std::uint64_t offset, std::uint32_t value, std::size_t size) {
  const auto half = static_cast<std::uint16_t>(value);
  switch (offset) {
    case 0x00:
      device_half_ = value;
      return;
    case 0x08:
      driver_half_ = value;
      return;
    case 0x0c:
      return accept(driver_half_, value);
    case 0x10:
      return;  // changes of the configuration never happen
    case 0x14:
      check(size == 1, "the status has 8 bits");
      return set_status(static_cast<std::uint8_t>(value));
    case 0x16:
      selected_ = value;
      return;
    case 0x18:
      selected().size = half;
      return;
    case 0x1a:
      selected().vector = half;
      return;
    case 0x1c:
      check(value == 1, "a queue is enabled with 1");
      return enable();
    default:
      check(offset >= 0x20 && offset < 0x38 && size == 4,
            "virtio-pci: this register cannot be written");
      std::uint64_t& address = offset < 0x28   ? selected().descriptors
                               : offset < 0x30 ? selected().available
                                               : selected().used;
      set_half(address, offset % 8 == 4, value);
  }
}

std::uint32_t VirtioDevice::read_config(std::uint64_t offset, std::size_t size) const {
  check(size == 1, "the driver reads bytes of the configuration");
  return offset < setup_.config.size() ? std::to_integer<std::uint32_t>(setup_.config[offset]) : 0;
}

std::uint32_t VirtioDevice::offered(std::uint32_t half) const {
  check((status_ & 2) != 0, "features are read before the driver has shown itself");
  return half > 1 ? 0 : static_cast<std::uint32_t>(setup_.features >> 32 * half);
}

void VirtioDevice::accept(std::uint32_t half, std::uint32_t value) {
  check((status_ & kFeaturesOk) == 0 && half < 2, "features are accepted too late");
  accepted_ |= std::uint64_t{value} << 32 * half;
  check((accepted_ & ~setup_.features) == 0, "a feature is accepted that was not offered");
}

std::uint32_t VirtioDevice::read_status() {
  if (resetting_ != 0 && --resetting_ != 0) return status_ | 0x80;
  return status_;
}

void VirtioDevice::set_status(std::uint8_t status) {
  if (status == 0) {
    status_ = 0;
    accepted_ = 0;
    raised_ = 0;
    resetting_ = reset_takes + 1;
    ++resets_;
    for (Queue& queue : queues_) queue = {.max = queue.max, .ring = std::nullopt};
    return forget();
  }
  check(resetting_ == 0, "the driver does not wait for the reset");
  check((status & status_) == status_ || (status & 0x80) != 0, "a bit of the status is cleared");
  status_ = status;
  const bool fine = (accepted_ & kVersion1) != 0;
  if (!fine) status_ &= static_cast<std::uint8_t>(~kFeaturesOk);
  if ((status & kDriverOk) != 0) check(fine, "driven without features");
}

VirtioDevice::Queue& VirtioDevice::selected() {
  check(selected_ < queues_.size(), "a queue that does not exist");
  return queues_[selected_];
}

void VirtioDevice::set_half(std::uint64_t& address, bool high, std::uint32_t value) {
  address = high ? (address & 0xffffffff) | std::uint64_t{value} << 32
                 : (address & ~std::uint64_t{0xffffffff}) | value;
}

void VirtioDevice::enable() {
  Queue& queue = selected();
  check((status_ & kFeaturesOk) != 0 && !is_running(), "a queue is enabled at the wrong time");
  check(queue.size != 0 && queue.size <= queue.max && (queue.size & (queue.size - 1)) == 0,
        "the size of a queue");
  // The model of a queue expects its three parts in one piece of memory.
  const std::size_t available = 16 * std::size_t{queue.size};
  const std::size_t used = (available + 6 + 2 * std::size_t{queue.size} + 3) / 4 * 4;
  check(queue.descriptors % 16 == 0 && queue.available == queue.descriptors + available &&
            queue.used == queue.descriptors + used,
        "the parts of a queue");
  std::byte* const memory = reinterpret_cast<std::byte*>(queue.descriptors);
  queue.ring.emplace(queue.size, danger_span(memory, used + 6 + 8 * std::size_t{queue.size}),
                     (accepted_ & kEventIndex) != 0);
  queue.ring->want_notification();
}

void VirtioDevice::notify(std::uint32_t queue) {
  check(queue < queues_.size() && queues_[queue].ring && is_running(),
        "a notification of a queue that is not enabled");
  queues_[queue].awake = true;
  // Another CPU of the host may do the work before the driver goes on.
  if (random_() % 4 == 0) (void)work(static_cast<std::uint16_t>(queue));
}

void VirtioDevice::interrupt(const Queue& queue) {
  if (setup_.on_pci) {
    const bool armed = queue.vector == 0 && load_le<std::uint32_t>(Bytes(vector_)) != 0 &&
                       load_le<std::uint32_t>(Bytes(vector_).subspan(12)) == 0;
    check(armed, "an interrupt without a message");
    interrupted_ = true;
    return;
  }
  // The pin is triggered by edges: it stays high until the driver has acknowledged.
  if (raised_ == 0) interrupted_ = true;
  raised_ |= 1;
}

std::optional<VirtioDevice::Chain> VirtioDevice::take(std::uint16_t index) {
  Queue& queue = queues_[index];
  if (!queue.ring || !queue.awake) return std::nullopt;
  auto chain = queue.ring->take();
  if (chain) return chain;
  queue.ring->want_notification();
  bus::memory_barrier();
  chain = queue.ring->take();
  queue.awake = chain.has_value();
  return chain;
}

void VirtioDevice::finish(std::uint16_t index, std::uint16_t head, std::uint32_t written) {
  Queue& queue = queues_[index];
  if (queue.ring->finish(head, written)) interrupt(queue);
}

bool VirtioDevice::turn() {
  if (!is_running()) return false;
  bool any = false;
  for (std::uint16_t i = 0; i < queues_.size(); ++i) {
    if (queues_[i].ring) any = work(i) || any;
  }
  // A queue may have woken one that worked before it.
  for (const Queue& queue : queues_) any = any || (queue.ring && queue.awake);
  return any;
}

MachineLoop::MachineLoop(std::uint64_t seed) : platform_(seed) {
  platform_.sleep = [this](Instant deadline) { idle(deadline); };
  platform_.look_takes = microseconds(10);
  platform_.poll = [this] {
    for (VirtioDevice* const model : models) model->turn();
    return devices().poll();
  };
}

bool MachineLoop::interrupted() {
  bool any = false;
  for (VirtioDevice* const model : models) any = model->take_interrupt() || any;
  return any;
}

// As the kernel's idle_until(): an interrupt that came before is pending and ends the wait.
void MachineLoop::idle(Instant deadline) {
  // A device may finish something between the last poll and the request of an interrupt.
  for (VirtioDevice* const model : models) (void)model->turn();
  if (!devices().prepare_to_idle()) return;
  ++sleeps;
  for (bool works = true; works;) {
    if (interrupted()) return;
    works = false;
    for (VirtioDevice* const model : models) works = model->turn() || works;
  }
  if (interrupted()) return;
  check(!devices().poll(), "an interrupt is missing: the image sleeps, and a device has finished");
  check(!deadline.is_never(), "deadlock: every task waits for something that cannot happen");
  platform_.set_now(deadline);
}

}  // namespace fata::sim
