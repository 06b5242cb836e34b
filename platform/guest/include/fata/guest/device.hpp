// A driver's place in the loop of a kernel.
#pragma once

namespace fata::guest {

// Interrupts and event channels carry no work: they only end the idling, after which all devices
// are polled.
class Device {
 public:
  // Completes what has completed and hands over what was queued; never waits. True if anything was
  // completed.
  virtual bool poll() noexcept = 0;
  // Asks the hardware to interrupt from now on. False if something is pending already: then nobody
  // sleeps. A device on an edge-triggered pin must acknowledge it here *before* it looks once more,
  // else no edge follows.
  virtual bool prepare_to_idle() noexcept = 0;

 protected:
  ~Device() = default;

 private:
  friend struct DeviceList;
  Device* next_ = nullptr;
};

// Puts a device into the loop, and takes it out again (nothing happens if it is not there). From
// within a device's own calls only that device may be taken out.
void attach(Device& device) noexcept;
void detach(Device& device) noexcept;

}  // namespace fata::guest
