// The parts of a domain that the frontend drivers need, without a hypervisor: the grants of
// HostModel, event channels that may always have an event, a page for xenstore.
#pragma once

#include <array>
#include <memory>

#include "fata/bus/device_list.hpp"
#include "fata/sim/platform.hpp"
#include "fata/xen/store.hpp"
#include "host_model.hpp"

namespace fata::xen {

class HostedDomain {
 public:
  explicit HostedDomain(sim::Platform& platform);
  ~HostedDomain();
  static HostedDomain& current();

  HostModel host;
  GrantTable grants{HostModel::grow};
  bus::DeviceList devices;
  unsigned open_ports = 0;
  Port next_port = 2;
  alignas(4096) std::array<std::byte, 4096> page{};  // of xenstore
  std::unique_ptr<Store> store;
};

}  // namespace fata::xen
