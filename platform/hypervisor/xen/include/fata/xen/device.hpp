// A driver as the loop of a domain sees it: a kernel device that is notified of suspensions.
#pragma once

#include "fata/kernel/device.hpp"

namespace fata::xen {

class Device : public kernel::Device {
 public:
  // Called before the domain is suspended. May wait, within a bound, for operations that must not
  // be in flight during the suspension. Must not start any.
  virtual void settle() noexcept {}
  // Called after the domain resumed, perhaps on another host. Everything that the hypervisor
  // provided is gone and must be requested again.
  virtual void resume() noexcept = 0;

 protected:
  ~Device() = default;

 private:
  friend struct Devices;
  Device* next_ = nullptr;
};

// Like kernel::attach() and detach().
void attach(Device& device) noexcept;
void detach(Device& device) noexcept;
void settle_all() noexcept;
void resume_all() noexcept;

}  // namespace fata::xen
