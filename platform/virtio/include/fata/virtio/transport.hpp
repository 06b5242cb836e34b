// How a virtio device is reached: registers of virtio-mmio or of virtio-pci. Modern (1.x) devices
// only.
#pragma once

#include <cstdint>
#include <memory>

#include "fata/base/result.hpp"
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
  // Selects a queue and gives its largest size; 0 if it does not exist.
  virtual std::uint16_t queue_max(std::uint16_t index) = 0;
  // Tells the device where the queue lies (by the addresses it uses) and enables it.
  virtual Result<void> start_queue(std::uint16_t index, const Queue& queue,
                                   std::uint64_t address) = 0;
  virtual void notify(std::uint16_t index) = 0;
  // Clears what made the device interrupt, where that is needed for the next one.
  virtual void acknowledge() = 0;
};

// A queue with its memory, on the heap, aligned to a page.
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

// Resets the device and waits until it has stopped; false if it does not within ten seconds.
bool reset(Transport& transport);
// The same, before memory that the device may write to is given back. Panics if it does not stop.
void stop(Transport& transport);
// Resets the device and returns what it offers, read once: the next time it may offer something
// else.
Result<std::uint64_t> offered(Transport& transport);
// After offered(): agrees on `wanted` of what was offered, and all of `required`. Returns what was
// agreed on.
Result<std::uint64_t> agree(Transport& transport, std::uint64_t offered, std::uint64_t required,
                            std::uint64_t wanted);
// Both, where what is wanted does not depend on what is offered.
Result<std::uint64_t> negotiate(Transport& transport, std::uint64_t required, std::uint64_t wanted);
// Sets up queue `index` with at most `most` descriptors.
Result<std::unique_ptr<OwnedQueue>> start_queue(Transport& transport, std::uint16_t index,
                                                std::uint16_t most, bool event_index);
void drive(Transport& transport);  // from here on the device may use its queues

// The nth device of that kind (virtio 1.2, section 5) on this machine: virtio-mmio first, then PCI.
Result<std::unique_ptr<Transport>> find_device(std::uint32_t device_id, unsigned nth = 0);

}  // namespace fata::virtio
