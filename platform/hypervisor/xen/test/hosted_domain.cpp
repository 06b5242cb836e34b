#include "hosted_domain.hpp"

#include "../src/idle.hpp"
#include "fata/xen/events.hpp"

namespace fata::xen {
namespace {
HostedDomain* the_domain = nullptr;
}

HostedDomain::HostedDomain(sim::Platform& platform) {
  the_domain = this;
  store = std::make_unique<Store>(page.data(), 1);
  platform.poll = [this] { return devices.poll(); };
}
HostedDomain::~HostedDomain() {
  store.reset();
  the_domain = nullptr;
}
HostedDomain& HostedDomain::current() { return *the_domain; }

Store& store() noexcept { return *HostedDomain::current().store; }
GrantTable& grants() noexcept { return HostedDomain::current().grants; }
std::uint64_t frame_of(const volatile void* page) noexcept { return HostModel::frame_of(page); }

Result<Port> open_port(Domain) noexcept {
  auto& domain = HostedDomain::current();
  ++domain.open_ports;
  return domain.next_port++;
}
void close_port(Port) noexcept {
  auto& domain = HostedDomain::current();
  check(domain.open_ports-- != 0, "an event channel is closed twice");
}
void watch_port(Port) noexcept {}
void notify(Port) noexcept {}
bool take_event(Port) noexcept { return true; }
void wait_a_moment(Port) noexcept {}

}  // namespace fata::xen

namespace fata::bus {

void attach(Device& device) noexcept { xen::HostedDomain::current().devices.add(device); }
void detach(Device& device) noexcept { xen::HostedDomain::current().devices.remove(device); }

}  // namespace fata::bus
