// What a kernel does when it was restored from a snapshot of its machine.
#pragma once

#include "fata/base/bytes.hpp"

namespace fata::guest {

// From the hypervisor's platform, once for each restore, before the image draws random bytes again:
// the generator is seeded again, and platform::generation() grows. `unique`: what differs from
// restore to restore; it need not be a secret.
void note_restore(Bytes unique) noexcept;

// Mixes into the generator what the CPU's generator and its time stamp counter give now, and
// `unique`.
void stir(Bytes unique) noexcept;

// Defined by the hypervisor's platform. Called before each draw of random bytes and in each turn of
// the loop of an image that holds secrets: looks whether the image was restored, and calls
// note_restore() if so. False if that can go unseen: then each draw stirs the generator.
bool look_for_restore() noexcept;

}  // namespace fata::guest
