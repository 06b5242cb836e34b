// The discovery of a domain's devices, in xenstore.
#pragma once

#include <string>

#include "fata/bus/found.hpp"
#include "fata/bus/xen/store.hpp"

namespace fata::bus::xen {

// Lists the frontends of that kind below "device/" in bus::found_devices(), in the order of their
// numbers. Replaces those that were listed before, because a manager may have added one since.
async::Task<Result<void>> find_devices(Store* store, DeviceKind kind, async::Wait wait = {});

// The node of a frontend, as "device/vif/0".
std::string path_of(const FoundDevice& found);

}  // namespace fata::bus::xen
