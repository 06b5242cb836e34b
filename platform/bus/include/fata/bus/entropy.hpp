// For drivers of entropy sources.
#pragma once

#include <cstddef>
#include <span>

namespace fata::bus {

// Mixes bytes into the image's generator; each byte counts as full entropy.
void add_entropy(std::span<const std::byte> bytes) noexcept;

// Called once before the image starts. In images that link the virtio-rng driver, the driver
// defines this function and calls add_entropy(). If `needed`, there is too little entropy to start,
// so the driver looks for the device and waits (bounded) for its bytes. Otherwise it does not wait:
// it looks for the device when the image first idles, and mixes in the bytes when they arrive
// (docs/decisions/entropy-at-the-start.md).
extern "C" [[gnu::weak]] void fata_gather_boot_entropy(bool needed) noexcept;

}  // namespace fata::bus
