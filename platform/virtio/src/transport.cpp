#include "fata/virtio/transport.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include "abi.hpp"
#include "fata/kvm/device.hpp"

namespace fata::virtio {

const ErrorDomain& error_domain(Errc) noexcept {
  static constexpr ErrorDomain domain{
      "virtio", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<Errc>(code)) {
          case Errc::kNoDevice: return "this machine has no such device";
          case Errc::kLegacyDevice: return "a legacy device; this driver needs virtio 1.x (disable-legacy=on, force-legacy=false)";
          case Errc::kFeatures: return "the device lacks a feature that the driver needs, or refuses those it chose";
          case Errc::kNoQueue: return "the device lacks a queue";
          case Errc::kNoMsix: return "a PCI device without MSI-X (QEMU: vectors=4)";
          case Errc::kBroken: return "the device broke the protocol and was reset";
        }
        return "unknown";
      }};
  return domain;
}

OwnedQueue::OwnedQueue(std::uint16_t size, bool event_index)
    : memory_(new(std::align_val_t{4096}) std::byte[Queue::bytes_needed(size)]()),
      queue_(size, danger_span(memory_.get(), Queue::bytes_needed(size)), event_index) {}

Result<std::uint64_t> negotiate(Transport& transport, std::uint64_t required, std::uint64_t wanted) {
  transport.set_status(0);
  while (transport.status() != 0) {
  }
  transport.set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE);
  transport.set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
  const std::uint64_t offered = transport.offered_features();
  const std::uint64_t agreed = offered & (required | wanted);
  const auto give_up = [&](Errc why) {
    transport.set_status(VIRTIO_CONFIG_S_FAILED);
    return fail(Error(why));
  };
  if ((agreed & (1ULL << VIRTIO_F_VERSION_1)) == 0) return give_up(Errc::kLegacyDevice);
  if ((agreed & required) != required) return give_up(Errc::kFeatures);
  transport.accept_features(agreed);
  const std::uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
  transport.set_status(status);
  if ((transport.status() & VIRTIO_CONFIG_S_FEATURES_OK) == 0) return give_up(Errc::kFeatures);
  return agreed;
}

Result<std::unique_ptr<OwnedQueue>> start_queue(Transport& transport, std::uint16_t index, std::uint16_t most,
                                                bool event_index) {
  const std::uint16_t max = transport.queue_max(index);
  if (max == 0) return fail(Errc::kNoQueue, index);
  auto queue = std::make_unique<OwnedQueue>(std::bit_floor(std::min(max, most)), event_index);
  const Result<void> started = transport.start_queue(index, **queue, kvm::dma_address(queue->memory()));
  if (!started) return fail(started.error());
  return queue;
}

void drive(Transport& transport) {
  transport.set_status(static_cast<std::uint8_t>(transport.status() | VIRTIO_CONFIG_S_DRIVER_OK));
}

}  // namespace fata::virtio
