// Feature negotiation before queues exist, and stopping the device.
#include "abi.hpp"
#include "fata/base/panic.hpp"
#include "fata/base/platform.hpp"
#include "fata/virtio/transport.hpp"

namespace fata::virtio {

namespace {
constexpr Duration kResetTimeout = seconds(10);
constexpr std::uint8_t kAgreed =
    VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
}  // namespace

const ErrorDomain& error_domain(Errc) noexcept {
  static constexpr ErrorDomain domain{
      "virtio", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<Errc>(code)) {
          case Errc::kNoDevice:
            return "this machine has no such device";
          case Errc::kLegacyDevice:
            return "a legacy device; this driver needs virtio 1.x (disable-legacy=on, "
                   "force-legacy=false)";
          case Errc::kFeatures:
            return "the device lacks a feature that the driver needs, or refuses those it chose";
          case Errc::kNoQueue:
            return "the device lacks a queue";
          case Errc::kNoMsix:
            return "a PCI device without MSI-X (QEMU: vectors=4)";
          case Errc::kRegisters:
            return "the device's registers lie where none can be";
          case Errc::kNoReset:
            return "the device does not reset";
          case Errc::kBroken:
            return "the device broke the protocol and was reset";
        }
        return "unknown";
      }};
  return domain;
}

// The device has stopped once the status reads 0 (virtio 1.2, section 2.1.2).
bool reset(Transport& transport) {
  transport.set_status(0);
  const Instant until = platform::monotonic_now() + kResetTimeout;
  for (bool late = false;; late = platform::monotonic_now() >= until) {
    if (transport.status() == 0) return true;
    if (late) return false;
  }
}

void stop(Transport& transport) {
  check(reset(transport),
        "a virtio device does not reset: it may still write to memory that was given to it");
}

Result<std::uint64_t> offered(Transport& transport) {
  if (!reset(transport)) return fail(Error(Errc::kNoReset));
  transport.set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE);
  transport.set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
  return transport.offered_features();
}

Result<std::uint64_t> negotiate(Transport& transport, std::uint64_t required,
                                std::uint64_t wanted) {
  const Result<std::uint64_t> all = offered(transport);
  return all ? agree(transport, *all, required, wanted) : all;
}

Result<std::uint64_t> agree(Transport& transport, std::uint64_t offered, std::uint64_t required,
                            std::uint64_t wanted) {
  const std::uint64_t agreed = offered & (required | wanted);
  const auto give_up = [&](Errc why) {
    transport.set_status(VIRTIO_CONFIG_S_FAILED);
    return fail(Error(why));
  };
  if ((agreed & (1ULL << VIRTIO_F_VERSION_1)) == 0) return give_up(Errc::kLegacyDevice);
  if ((agreed & required) != required) return give_up(Errc::kFeatures);
  transport.accept_features(agreed);
  transport.set_status(kAgreed);
  if ((transport.status() & VIRTIO_CONFIG_S_FEATURES_OK) == 0) return give_up(Errc::kFeatures);
  return agreed;
}

void drive(Transport& transport) { transport.set_status(kAgreed | VIRTIO_CONFIG_S_DRIVER_OK); }

}  // namespace fata::virtio
