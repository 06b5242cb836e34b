// Devices of kernels by their drivers. A driver has one name for its namespace, the folder of its
// headers and its library, and the types NetDevice and BlockDevice.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fata/config/provided.hpp"
#include "fata/config/sig/net.hpp"
#include "fata/config/sig/store.hpp"

namespace fata::config::detail {

// `chosen_by`: the options of `fata run` that select what the NIC is attached to.
Device<NetDevice> kernel_nic(std::string_view driver, Target target,
                             std::optional<std::vector<std::string>> chosen_by,
                             const Request& request);
Device<Block> kernel_disk(std::string_view driver, Target target, const Request& request);

}  // namespace fata::config::detail
