#include "fata/xen/device.hpp"

#include <utility>

namespace fata::xen {

struct Devices {
  static constinit Device* first;
  static void add(Device& device) { device.next_ = std::exchange(first, &device); }
  static void remove(Device& device) {
    for (Device** link = &first; *link != nullptr; link = &(*link)->next_) {
      if (*link != &device) continue;
      *link = device.next_;
      return;
    }
  }
  static void settle() {
    for (Device* device = first; device != nullptr; device = device->next_) device->settle();
  }
  static void resume() {
    for (Device* device = first; device != nullptr; device = device->next_) device->resume();
  }
};
constinit Device* Devices::first = nullptr;

void attach(Device& device) noexcept {
  kernel::attach(device);
  Devices::add(device);
}
void detach(Device& device) noexcept {
  kernel::detach(device);
  Devices::remove(device);
}
void settle_all() noexcept { Devices::settle(); }
void resume_all() noexcept { Devices::resume(); }

}  // namespace fata::xen
