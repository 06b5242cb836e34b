// The parts of a domain that the frontend drivers need, without a hypervisor: the grants of
// XenHost, event channels that may always have an event, a page for xenstore.
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "fata/bus/found.hpp"
#include "fata/bus/xen/store.hpp"
#include "fata/sim/bus/foreign_pages.hpp"
#include "fata/sim/bus/xen_host.hpp"
#include "fata/sim/platform.hpp"

namespace fata::sim {

class XenDomain {
 public:
  explicit XenDomain(Platform& platform);
  ~XenDomain();
  static XenDomain& current();

  // Suspends the domain, and resumes it on another host, where nothing is granted and no port is
  // open. `arrive` is called in between.
  void migrate(const std::function<void()>& arrive);

  // Called when a driver waits for its backend without the loop.
  std::function<void()> wait = [] {};
  XenHost host;
  ForeignPages foreign;
  bus::xen::GrantTable grants{XenHost::grow};
  bus::FoundDevices found;
  unsigned open_ports = 0;
  bus::xen::Port next_port = 2;
  alignas(4096) std::array<std::byte, 4096> page{};  // of xenstore
  std::unique_ptr<bus::xen::Store> store;
};

}  // namespace fata::sim
