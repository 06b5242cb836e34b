#include "fata/sim/bus/devices.hpp"

namespace fata {

bus::DeviceList& sim::devices() noexcept {
  static constinit bus::DeviceList list;
  return list;
}

namespace bus {
void attach(Device& device) noexcept { sim::devices().add(device); }
void detach(Device& device) noexcept { sim::devices().remove(device); }
}  // namespace bus

}  // namespace fata
