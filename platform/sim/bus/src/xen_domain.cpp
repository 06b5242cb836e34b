#include "fata/sim/bus/xen_domain.hpp"

#include "fata/bus/xen.hpp"
#include "fata/sim/bus/devices.hpp"

namespace fata::sim {
namespace {
XenDomain* the_domain = nullptr;
}

XenDomain::XenDomain(sim::Platform& platform) {
  the_domain = this;
  store = std::make_unique<bus::xen::Store>(page.data(), 1);
  platform.poll = [] { return devices().poll(); };
}
XenDomain::~XenDomain() {
  store.reset();
  the_domain = nullptr;
}
XenDomain& XenDomain::current() { return *the_domain; }

void XenDomain::migrate(const std::function<void()>& arrive) {
  devices().suspend();
  host.move_on();
  foreign.move_on();
  grants.resume();
  open_ports = 0;
  arrive();
  devices().resume();
}

}  // namespace fata::sim

namespace fata::bus::xen {
using sim::XenDomain;

Store& store() noexcept { return *XenDomain::current().store; }
GrantTable& grants() noexcept { return XenDomain::current().grants; }
std::uint64_t frame_of(const volatile void* page) noexcept { return sim::XenHost::frame_of(page); }

Result<Port> open_port(Domain) noexcept {
  auto& domain = XenDomain::current();
  ++domain.open_ports;
  return domain.next_port++;
}
void close_port(Port) noexcept {
  auto& domain = XenDomain::current();
  check(domain.open_ports-- != 0, "an event channel is closed twice");
}
bool surrender_page(void* page) noexcept { return XenDomain::current().foreign.surrender(page); }
Result<MapHandle> map_page(void* at, Domain from, GrantRef ref, bool read_only) noexcept {
  return XenDomain::current().foreign.map(at, from, ref, read_only);
}
void unmap_page(void* at, MapHandle handle) noexcept {
  XenDomain::current().foreign.unmap(at, handle);
}
void notify(Port) noexcept {}
bool take_event(Port) noexcept { return true; }
void wait_a_moment(Port) noexcept { XenDomain::current().wait(); }

}  // namespace fata::bus::xen
