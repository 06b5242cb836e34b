#include "fata/sim/bus/devices.hpp"

#include "fata/sim/bus/machine.hpp"
#include "fata/sim/bus/xen_domain.hpp"

namespace fata {

bus::DeviceList& sim::devices() noexcept {
  static constinit bus::DeviceList list;
  return list;
}

namespace bus {
void attach(Device& device) noexcept { sim::devices().add(device); }
void detach(Device& device) noexcept { sim::devices().remove(device); }

// A test may change its machine between two claims, so each claim searches it again.
FoundDevices& found_devices() noexcept {
  if (!sim::Machine::exists()) return sim::XenDomain::current().found;
  sim::Machine& machine = sim::Machine::current();
  machine.found = {};
  for (const FoundDevice& slot : machine.slots) machine.found.add(slot);
  find_on_machine(machine.found);
  return machine.found;
}
}  // namespace bus

}  // namespace fata
