// The devices that drivers attached. A test polls them with Platform::poll or itself.
#pragma once

#include "fata/bus/device_list.hpp"

namespace fata::sim {

bus::DeviceList& devices() noexcept;

}  // namespace fata::sim
