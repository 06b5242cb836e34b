// Attacks through the ring of a device of this process.
#pragma once

#include <fata/host/block_file.hpp>
#include <fata/host/tap.hpp>

#include <string_view>

namespace sandbox_probe {

// Like try_attack(), but returns the ring's result.
long attack_by_ring(fata::host::BlockFile& disk, std::string_view name);
long attack_by_ring(fata::host::Tap& tap, std::string_view name);

}  // namespace sandbox_probe
