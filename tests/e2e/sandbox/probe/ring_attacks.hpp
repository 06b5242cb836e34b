// Attacks through the ring of a device of this process.
#pragma once

#include <fata/linux/block_file.hpp>
#include <fata/linux/tap.hpp>

#include <string_view>

namespace sandbox_probe {

// Like try_attack(), but returns the ring's result.
long attack_by_ring(fata::linux::BlockFile& disk, std::string_view name);
long attack_by_ring(fata::linux::Tap& tap, std::string_view name);

}  // namespace sandbox_probe
