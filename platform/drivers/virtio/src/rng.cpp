// virtio-rng (virtio 1.2, section 5.4). Reads bytes for the entropy pool once: before the image
// starts if the CPU has no random number generator, otherwise when the image first idles.

#include <array>

#include "abi.hpp"
#include "fata/base/platform.hpp"
#include "fata/bus/device.hpp"
#include "fata/bus/entropy.hpp"
#include "fata/bus/memory.hpp"
#include "transports.hpp"

namespace fata::virtio {
// Weak here, so that only images with a driver for devices on PCI search it. Other images find the
// device on virtio-mmio (microvm); a machine with PCI has a CPU with RDRAND. Without either, the
// image reports that it lacks entropy.
[[gnu::weak]] Result<std::unique_ptr<Transport>> open_pci(bus::PciAddress at);
}  // namespace fata::virtio

namespace fata::bus {

namespace {

constexpr std::size_t kWanted = 64;
constexpr Duration kTimeout = milliseconds(500);
constexpr unsigned kBusyTurns = 64;

alignas(64) constinit std::array<std::byte, kWanted> bytes{};

class Gatherer final : public Device {
 public:
  // Finds a device and requests bytes. Returns false if no device works.
  bool begin() {
    const FoundDevice* const found = found_devices().nth(DeviceKind::kEntropy, 0);
    if (found == nullptr) return false;
    if (found->bus == FoundDevice::Bus::kMmio) {
      transport_ = virtio::open_mmio(*found);
    } else if (virtio::open_pci != nullptr) {
      if (auto pci = virtio::open_pci(found->pci)) transport_ = std::move(*pci);
    }
    if (transport_ == nullptr || !virtio::negotiate(*transport_, 1ULL << VIRTIO_F_VERSION_1, 0))
      return false;
    auto queue = virtio::start_queue(*transport_, 0, 4, false);
    if (!queue) return false;
    queue_ = std::move(*queue);
    virtio::drive(*transport_);
    return ask();
  }

  // Returns true once no more bytes will arrive.
  bool collect() {
    virtio::Queue& ring = **queue_;
    const std::optional<virtio::Queue::Done> done = ring.pop();
    if (!done) return ring.broken();
    add_entropy(std::span(bytes).first(done->written));
    have_ += done->written;
    return done->written == 0 || have_ >= kWanted || !ask();
  }

  // Does not wait for the reset: the device's queue and buffer are never reused.
  void end() {
    if (transport_ != nullptr) transport_->set_status(0);
    bytes.fill(std::byte{0});
  }

  // Also serves an image that never idles. No task waits for the bytes, so this always returns
  // false.
  bool poll() noexcept override {
    if (queue_ != nullptr ? collect() : ++turns_ == kBusyTurns && !begin()) leave();
    return false;
  }
  // Enables no interrupt: devices are polled before any task that may draw random bytes continues.
  bool prepare_to_idle() noexcept override {
    if (queue_ == nullptr && !begin()) leave();
    return true;
  }

 private:
  bool ask() {
    const virtio::Segment segment{dma_address(bytes.data()), kWanted, true};
    if (!(*queue_)->add(std::span(&segment, 1))) return false;
    if ((*queue_)->publish()) transport_->notify(0);
    return true;
  }
  void leave() {
    end();
    detach(*this);
  }

  std::unique_ptr<virtio::Transport> transport_;
  std::unique_ptr<virtio::OwnedQueue> queue_;
  std::size_t have_ = 0;
  unsigned turns_ = 0;
};

[[clang::no_destroy]] constinit Gatherer gatherer;

}  // namespace

extern "C" void fata_gather_boot_entropy(bool needed) noexcept {
  if (!needed) return attach(gatherer);
  if (gatherer.begin()) {
    const Instant end = platform::monotonic_now() + kTimeout;
    while (!gatherer.collect() && platform::monotonic_now() < end) {
    }
  }
  gatherer.end();
}

}  // namespace fata::bus
