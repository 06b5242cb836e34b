// The segment, task-state and interrupt descriptors of the running image.
#pragma once

namespace fata::arch {
void load_descriptors();
}  // namespace fata::arch
