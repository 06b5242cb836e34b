// A driver as the loop of a kernel sees it.
#pragma once

namespace fata::kernel {

// Interrupts and event channels carry no work: they only end the idle wait, after which all devices
// are polled.
class Device {
 public:
  // Completes finished work and submits queued work; never blocks. True if anything was completed.
  virtual bool poll() noexcept = 0;
  // Enables the device's interrupts. Returns false if work is already pending, so that the loop
  // must not sleep. A device on an edge-triggered pin must acknowledge the interrupt *before* it
  // checks for work again, otherwise no edge follows.
  virtual bool prepare_to_idle() noexcept = 0;

 protected:
  ~Device() = default;

 private:
  friend struct DeviceList;
  Device* next_ = nullptr;
};

// attach() adds a device to the loop; detach() removes it, and has no effect if the device is not
// attached. A call from within a device may detach only that device.
void attach(Device& device) noexcept;
void detach(Device& device) noexcept;

}  // namespace fata::kernel
