// What a kernel does after a restore from a snapshot of its machine.
#pragma once

#include "fata/base/bytes.hpp"

namespace fata::kernel {

// Reseeds the generator and increments platform::generation(). The hypervisor's platform calls this
// once for each restore, before the image draws random bytes again. `unique` differs between
// restores; it need not be secret.
void note_restore(Bytes unique) noexcept;

// Mixes the CPU's random generator, its time stamp counter and `unique` into the generator.
void stir(Bytes unique) noexcept;

// Checks whether the image was restored, and calls note_restore() if so. Defined by the
// hypervisor's platform; called before each draw of random bytes, and in each turn of the loop of
// an image that holds secrets. Returns false if a restore can go undetected; in that case, each
// draw stirs the generator.
bool look_for_restore() noexcept;

}  // namespace fata::kernel
