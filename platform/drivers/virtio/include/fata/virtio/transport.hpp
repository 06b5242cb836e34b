// Access to a virtio device through the registers of virtio-mmio or virtio-pci. Modern (1.x)
// devices only.
#pragma once

#include <cstdint>
#include <memory>

#include "fata/base/result.hpp"
#include "fata/bus/found.hpp"
#include "fata/virtio/queue.hpp"

namespace fata::virtio {

enum class Errc : std::uint32_t {
  kNoDevice = 1,
  kLegacyDevice,
  kFeatures,
  kNoQueue,
  kNoMsix,
  kBroken,
  kNoReset,
  kRegisters
};
const ErrorDomain& error_domain(Errc) noexcept;

class Transport {
 public:
  virtual ~Transport() = default;

  virtual std::uint32_t device_id() = 0;
  virtual std::uint64_t offered_features() = 0;
  virtual void accept_features(std::uint64_t features) = 0;
  virtual std::uint8_t status() = 0;
  virtual void set_status(std::uint8_t status) = 0;
  virtual std::uint8_t config8(std::size_t offset) = 0;
  // Selects a queue and returns its maximum size; 0 if it does not exist.
  virtual std::uint16_t queue_max(std::uint16_t index) = 0;
  // Passes the queue's address (as the device sees it) to the device and enables the queue.
  virtual Result<void> start_queue(std::uint16_t index, const Queue& queue,
                                   std::uint64_t address) = 0;
  virtual void notify(std::uint16_t index) = 0;
  // Clears the cause of an interrupt, if the next interrupt requires that.
  virtual void acknowledge() = 0;
};

// A queue with its memory, which is on the heap and page-aligned.
class OwnedQueue {
 public:
  OwnedQueue(std::uint16_t size, bool event_index);

  Queue& operator*() { return queue_; }
  Queue* operator->() { return &queue_; }
  const void* memory() const { return memory_.get(); }

 private:
  struct AlignedDelete {
    void operator()(std::byte* memory) const {
      ::operator delete[](memory, std::align_val_t{4096});
    }
  };
  std::unique_ptr<std::byte[], AlignedDelete> memory_;
  Queue queue_;
};

// Resets the device and waits until it has stopped. Returns false if it has not stopped after ten
// seconds.
bool reset(Transport& transport);
// Resets the device before memory that it may write to is freed. Panics if it does not stop.
void stop(Transport& transport);
// Resets the device and returns the features that it offers. They are read once, because a second
// read may differ.
Result<std::uint64_t> offered(Transport& transport);
// Called after offered(). Accepts all of `required` and the offered part of `wanted`, and returns
// the accepted features.
Result<std::uint64_t> agree(Transport& transport, std::uint64_t offered, std::uint64_t required,
                            std::uint64_t wanted);
// Calls offered() and agree(), for a `wanted` that does not depend on the offered features.
Result<std::uint64_t> negotiate(Transport& transport, std::uint64_t required, std::uint64_t wanted);
// Sets up queue `index` with at most `most` descriptors.
Result<std::unique_ptr<OwnedQueue>> start_queue(Transport& transport, std::uint16_t index,
                                                std::uint16_t most, bool event_index);
// From here on, the device may use its queues.
void drive(Transport& transport);

// Opens a device that discovery found.
Result<std::unique_ptr<Transport>> open_device(const bus::FoundDevice& found);
// Opens the nth device of that kind in bus::found_devices().
Result<std::unique_ptr<Transport>> claim_device(bus::DeviceKind kind, unsigned nth);

}  // namespace fata::virtio
