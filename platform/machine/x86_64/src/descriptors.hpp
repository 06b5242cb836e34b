// The segment, task-state and interrupt descriptors of the running image.
#pragma once

namespace fata::machine {
void load_descriptors();
}  // namespace fata::machine
