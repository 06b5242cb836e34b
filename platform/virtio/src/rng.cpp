// virtio-rng (virtio 1.2, section 5.4): bytes for the entropy pool, once, before the image starts.

#include <array>

#include "abi.hpp"
#include "fata/base/platform.hpp"
#include "fata/kvm/device.hpp"
#include "fata/guest/entropy.hpp"
#include "transports.hpp"

namespace fata::virtio {
// Weak here: PCI is looked at in images that have a PCI driver anyhow. The others find the device on virtio-mmio (microvm), and a
// machine with PCI has a processor with RDRAND; without either, the image says that it lacks entropy.
[[gnu::weak]] Result<std::unique_ptr<Transport>> find_pci(std::uint32_t device_id, unsigned& nth);
}  // namespace fata::virtio

namespace fata::guest {

namespace {
constexpr std::size_t kWanted = 64;
constexpr Duration kPatience = milliseconds(500);
}  // namespace

extern "C" void fata_gather_boot_entropy() noexcept {
  unsigned nth = 0;
  bool legacy = false;
  std::unique_ptr<virtio::Transport> found = virtio::find_mmio(VIRTIO_ID_RNG, nth, legacy);
  if (found == nullptr && virtio::find_pci != nullptr) {
    if (auto pci = virtio::find_pci(VIRTIO_ID_RNG, nth)) found = std::move(*pci);
  }
  if (found == nullptr) return;
  virtio::Transport& transport = *found;
  if (!virtio::negotiate(transport, 1ULL << VIRTIO_F_VERSION_1, 0)) return;
  Result<std::unique_ptr<virtio::OwnedQueue>> queue = virtio::start_queue(transport, 0, 4, false);
  if (!queue) return;
  virtio::Queue& ring = ***queue;
  virtio::drive(transport);

  alignas(64) static std::array<std::byte, kWanted> bytes;
  const Instant end = platform::monotonic_now() + kPatience;
  std::size_t have = 0;
  while (have < kWanted && platform::monotonic_now() < end) {
    const virtio::Segment segment{machine::dma_address(bytes.data()), kWanted, true};
    if (!ring.add(std::span(&segment, 1))) break;
    if (ring.publish()) transport.notify(0);
    std::optional<virtio::Queue::Done> done;
    while (!(done = ring.pop()) && platform::monotonic_now() < end && !ring.broken()) {
    }
    if (!done) break;
    add_entropy(std::span(bytes).first(done->written));
    have += done->written;
  }
  // The device must not write to memory of ours any more.
  transport.set_status(0);
  bytes.fill(std::byte{0});
}

}  // namespace fata::guest
