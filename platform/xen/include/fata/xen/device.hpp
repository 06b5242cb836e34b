// A driver's place in the loop of a domain: that of every kernel, and word of having been moved.
#pragma once

#include "fata/guest/device.hpp"

namespace fata::xen {

class Device : public guest::Device {
 public:
  // The domain is about to be stopped: may wait, within a bound, for what must not be under way
  // then. Starts nothing.
  virtual void settle() noexcept {}
  // The domain was stopped and goes on, perhaps elsewhere: what the hypervisor had given is gone,
  // and is to be asked for again.
  virtual void resume() noexcept = 0;

 protected:
  ~Device() = default;

 private:
  friend struct Devices;
  Device* next_ = nullptr;
};

// As guest::attach() and detach().
void attach(Device& device) noexcept;
void detach(Device& device) noexcept;
void settle_all() noexcept;
void resume_all() noexcept;

}  // namespace fata::xen
