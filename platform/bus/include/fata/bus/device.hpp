// A driver as the loop of a kernel sees it.
#pragma once

namespace fata::bus {

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

  // The image takes part in its suspension only where the hypervisor requires it (Xen). Where the
  // hypervisor saves a device together with the machine (virtio), the next two have nothing to do.
  //
  // Called before the suspension. May wait, within a bound, for operations that must not be in
  // flight meanwhile. Must not start any.
  virtual void suspend() noexcept {}
  // Called after the image resumed, perhaps on another host. Everything that the hypervisor
  // provided is gone and must be requested again.
  virtual void resume() noexcept {}

 protected:
  ~Device() = default;

 private:
  friend class DeviceList;
  Device* next_ = nullptr;
};

// attach() adds a device to the loop; detach() removes it, and has no effect if the device is not
// attached. A call from within a device may detach only that device.
void attach(Device& device) noexcept;
void detach(Device& device) noexcept;

}  // namespace fata::bus
